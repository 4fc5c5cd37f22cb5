// Compiled together with the sources of TimeCoinCore into one program for libFuzzer, by Scripts/fuzz.

/// What a run feeds; each target also states what must hold for whatever it accepts.
enum FuzzTarget: String, CaseIterable {
    case transaction
    case block
    case header
    case vote
    case proposal
    case certificate
    case roundCertificate
    case validatorSet
    case chainState
    case finalityProof
    case transactionProof
    case outputProof
    case validatorPath
    case evidence
    case forkProof
    case recoveryVote
    case recoveryCertificate
    case outputEntry
    case script
    case scriptText
    case address
    case amount
    case hexadecimal

    /// Feeds bytes; traps where a property does not hold.
    func feed(_ bytes: [UInt8]) {
        switch self {
        case .transaction:
            canonical(try? Transaction(decoding: bytes), bytes) { $0.encoded }
            if let checked = try? CheckedTransaction(decoding: bytes) { check(checked.size == bytes.count) }
        case .block:
            canonical(try? Block(decoding: bytes), bytes) { $0.encoded }
            if let checked = try? CheckedBlock(decoding: bytes) { check(checked.size == bytes.count) }
        case .header: canonical(BlockHeader.self, bytes)
        case .vote: canonical(SignedVote.self, bytes)
        case .proposal: canonical(SignedProposal.self, bytes)
        case .certificate: canonical(try? Certificate(decoding: bytes), bytes) { $0.encoded }
        case .roundCertificate:
            canonical(RoundCertificate.self, bytes)
        case .validatorSet: canonical(ValidatorSet.self, bytes)
        case .chainState: canonical(try? ChainState(decoding: bytes), bytes) { $0.encoded }
        case .finalityProof: canonical(try? FinalityProof(decoding: bytes), bytes) { $0.encoded }
        case .transactionProof: canonical(try? TransactionProof(decoding: bytes), bytes) { $0.encoded }
        case .outputProof: canonical(try? OutputProof(decoding: bytes), bytes) { $0.encoded }
        case .validatorPath: canonical(try? ValidatorPath(decoding: bytes), bytes) { $0.encoded }
        case .evidence: canonical(try? Evidence(decoding: bytes), bytes) { $0.encoded }
        case .forkProof: canonical(try? ForkProof(decoding: bytes), bytes) { $0.encoded }
        case .recoveryVote: canonical(try? SignedRecoveryVote(decoding: bytes), bytes) { $0.encoded }
        case .recoveryCertificate: canonical(try? RecoveryCertificate(decoding: bytes), bytes) { $0.encoded }
        case .outputEntry: canonical(OutputEntry.self, bytes)
        case .script: run(bytes)
        case .scriptText:
            let text = String(decoding: bytes, as: UTF8.self)
            if let script = try? ScriptText.assemble(text) { written(script) }
            written(Script(bytes))
        case .address:
            let text = String(decoding: bytes, as: UTF8.self)
            if let address = try? Address(parsing: text, prefix: "time") {
                check(address.text(prefix: "time") == text.lowercased())
                check(Address(lockingScript: address.lockingScript) == address)
            }
        case .amount:
            if let amount = Amount(decimal: String(decoding: bytes, as: UTF8.self)) {
                check(Amount(decimal: amount.description) == amount)
            }
        case .hexadecimal:
            check(Hexadecimal.decode(Hexadecimal.encode(bytes)) == bytes)
            let text = String(decoding: bytes, as: UTF8.self)
            if let decoded = Hexadecimal.decode(text) {
                check(Hexadecimal.encode(decoded) == text.lowercased())
            }
        }
    }

    /// Some valid bytes to begin with.
    var seeds: [[UInt8]] { FuzzSeeds.all[self] ?? [] }

    // MARK: - Properties

    private func check(_ holds: Bool) {
        guard !holds else { return }
        fatalError("\(self): a property does not hold")
    }

    /// Whatever is read is written back as it was: there is one encoding of everything.
    private func canonical<Value>(_ value: Value?, _ bytes: [UInt8], _ encoded: (Value) -> [UInt8]) {
        if let value { check(encoded(value) == bytes) }
    }

    private func canonical<Value: Coded>(_: Value.Type, _ bytes: [UInt8]) {
        let value = try? ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            try Value(from: &reader)
        }
        canonical(value, bytes) { value in
            var writer = ByteWriter()
            value.encode(into: &writer)
            return writer.bytes
        }
    }

    private func written(_ script: Script) {
        guard let again = try? ScriptText.assemble(ScriptText.disassemble(script)) else {
            // Text has a limit that scripts have not.
            return check(script.bytes.count > ScriptText.bytesMax / 8)
        }
        check(again == script)
    }

    /// The first byte says where the unlocking script ends, the second gives the flags' low bits.
    private func run(_ bytes: [UInt8]) {
        guard bytes.count >= 2 else { return }
        let scripts = bytes.dropFirst(2)
        let unlocking = Script(Array(scripts.prefix(Int(bytes[0]))))
        let locking = Script(Array(scripts.dropFirst(Int(bytes[0]))))
        for answer in [false, true] {
            var budget = ScriptBudget(hashedBytesLimit: 1_000_000, signatureChecksLimit: 1000)
            do {
                try ScriptInterpreter.verify(
                    unlocking: unlocking, locking: locking, flags: ScriptFlags(rawValue: .init(bytes[1])),
                    context: FuzzContext(answer: answer), budget: &budget)
            } catch {
                check(!error.rawValue.isEmpty)
            }
            check(budget.hashedBytes <= 1_000_000 && budget.signatureChecks <= 1000)
        }
    }
}

/// Says the same of every signature.
struct FuzzContext: ScriptContext {
    let answer: Bool
    var lockTime: UInt32 { 500 }
    var version: UInt16 { 2 }
    var sequence: UInt32 { 10 }

    func verifies(
        signature: ArraySlice<UInt8>, key: ArraySlice<UInt8>, budget: inout ScriptBudget
    ) throws(ScriptRejection) -> Bool {
        try budget.chargeHashing(100)
        return answer
    }
}

/// What has one encoding, read and written by itself.
protocol Coded {
    init(from reader: inout ByteReader) throws(DecodingFailure)
    func encode(into writer: inout ByteWriter)
}

extension BlockHeader: Coded {}
extension SignedVote: Coded {}
extension SignedProposal: Coded {}
extension RoundCertificate: Coded {}
extension ValidatorSet: Coded {}
extension OutputEntry: Coded {}
