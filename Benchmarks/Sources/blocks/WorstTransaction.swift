import TimeCoinCore

/// The transaction that takes the longest to judge within the limits: as many signature checks as it may have,
/// each of them a real one, because every signature fits only the last of twenty keys.
struct WorstTransaction {
    private let spendable: SpendableTransaction
    private static let chain = Blake2b.hash256(.block, [1])

    struct Failed: Error { let reason: String }

    init() throws {
        let chain = WorstTransaction.chain
        let keyCount = Script.multisigKeysMax
        let keys = (1...keyCount).compactMap {
            SigningKey(seed: [UInt8](repeating: UInt8($0), count: SigningKey.seedByteCount))
        }
        guard keys.count == keyCount, let value = Amount(units: 100_000_000), let signer = keys.last else {
            throw Failed(reason: "no keys")
        }
        // 1 <key>… 20 CHECKMULTISIG: signatures are tried from the last key on, so the signer's comes first.
        let ordered = [signer] + keys.dropLast()
        let locking = Script(
            [0x51] + ordered.flatMap { [UInt8(32)] + $0.publicKey.bytes } + [0x01, UInt8(keyCount), 0xae])
        let inputCount = ScriptWork.signatureChecksPerTransaction / keyCount
        let output = TransactionOutput(value: value, locking: locking)
        let unsigned = Transaction(
            inputs: (0..<inputCount).map {
                TransactionInput(
                    previous: OutPoint(transaction: chain, index: UInt32($0)), unlocking: .empty)
            }, outputs: [output])
        guard
            let hash = SignatureHash(
                transaction: unsigned, spending: [TransactionOutput](repeating: output, count: inputCount),
                chain: chain)
        else { throw Failed(reason: "no signature hash") }
        let inputs = try unsigned.inputs.enumerated().map { index, input in
            guard let message = hash.message(input: index, type: .all) else { throw Failed(reason: "no message") }
            return TransactionInput(
                previous: input.previous,
                unlocking: .unlockMultisignature([(signer.sign(message.bytes), .all)]))
        }
        let entry = OutputEntry(
            output: output, height: 1, slot: 0, time: Timestamp(milliseconds: 0), kind: .transfer, position: 0)
        spendable = try SpendableTransaction(
            try CheckedTransaction(checking: Transaction(inputs: inputs, outputs: [output])),
            spending: [OutputEntry](repeating: entry, count: inputCount),
            in: SpendingContext(slot: 1, parentTime: Timestamp(milliseconds: 1), growthPrice: .zero))
    }

    func judge() throws {
        let proof = try ScriptProof(verifying: spendable, chain: WorstTransaction.chain)
        guard proof.work.signatureChecks == ScriptWork.signatureChecksPerTransaction else {
            throw Failed(reason: "only \(proof.work.signatureChecks) checks")
        }
    }
}
