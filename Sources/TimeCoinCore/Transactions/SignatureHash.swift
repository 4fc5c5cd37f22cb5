/// Which parts of a transaction a signature covers.
public struct SignatureHashType: Hashable, Sendable {
    public enum Outputs: UInt8, Hashable, Sendable {
        case all = 1
        case none = 2
        /// Only the output with the input's own index.
        case single = 3
    }

    public let outputs: Outputs
    /// Covers only the own input, without its index.
    public let anyoneCanPay: Bool

    public static let all = SignatureHashType(outputs: .all, anyoneCanPay: false)
    private static let anyoneCanPayFlag: UInt8 = 0x80

    public init(outputs: Outputs, anyoneCanPay: Bool) {
        self.outputs = outputs
        self.anyoneCanPay = anyoneCanPay
    }

    /// `nil` for a byte that is none of the six types.
    public init?(byte: UInt8) {
        guard let outputs = Outputs(rawValue: byte & ~SignatureHashType.anyoneCanPayFlag) else { return nil }
        self.outputs = outputs
        self.anyoneCanPay = byte & SignatureHashType.anyoneCanPayFlag != 0
    }

    public var byte: UInt8 {
        outputs.rawValue | (anyoneCanPay ? SignatureHashType.anyoneCanPayFlag : 0)
    }
}

/// What signatures of one transaction sign; the parts that all inputs share are hashed once.
public struct SignatureHash: Sendable {
    /// Handed from script to script: a copy costs one reference.
    private final class Shared: Sendable {
        let transaction: Transaction
        let spent: [OutputEntry]
        let chain: Hash256
        let inputsPart: Hash256
        let outputsPart: Hash256

        init(
            _ transaction: Transaction, _ spent: [OutputEntry], chain: Hash256, inputsPart: Hash256,
            outputsPart: Hash256
        ) {
            self.transaction = transaction
            self.spent = spent
            self.chain = chain
            self.inputsPart = inputsPart
            self.outputsPart = outputsPart
        }
    }

    private let shared: Shared

    /// `nil` unless there is exactly one spent output for every input.
    ///
    /// - Parameter chain: the hash of the genesis block, so that a signature is good on one chain only.
    public init?(transaction: Transaction, spending spent: [TransactionOutput], chain: Hash256) {
        // Of an entry nothing is signed but its output.
        self.init(
            transaction: transaction,
            spending: spent.map {
                OutputEntry(
                    output: $0, height: 0, slot: 0, time: Timestamp(milliseconds: 0), kind: .transfer,
                    position: .max)
            }, chain: chain)
    }

    /// `nil` unless there is exactly one spent entry for every input.
    init?(transaction: Transaction, spending spent: [OutputEntry], chain: Hash256) {
        guard transaction.inputs.count == spent.count else { return nil }
        var writer = ByteWriter(
            reserving: max(transaction.inputs.count * 80, transaction.outputs.count * 40))
        let inputs = transaction.inputs
        for index in inputs.indices {
            SignatureHash.write(
                inputs[index].previous, inputs[index].sequence, spent[index].output, into: &writer)
        }
        let inputsPart = Blake2b.hash256(.signaturePart, writer.bytes)
        writer.removeAll()
        for output in transaction.outputs {
            writer.write(output)
        }
        let outputsPart = Blake2b.hash256(.signaturePart, writer.bytes)
        shared = Shared(
            transaction, spent, chain: chain, inputsPart: inputsPart, outputsPart: outputsPart)
    }

    /// The 32 bytes that a signature of this type by this input signs; `nil` for SINGLE without its output.
    public func message(input index: Int, type: SignatureHashType) -> Hash256? {
        let transaction = shared.transaction
        guard transaction.inputs.indices.contains(index) else { return nil }
        var writer = ByteWriter(reserving: SignatureHash.prefixBytes(of: transaction) + 160)
        writer.write(shared.chain)
        writer.write(transaction.version)
        writer.write(transaction.kind.rawValue)
        writer.write(transaction.lockTime)
        writer.write(prefixed: transaction.payload)
        writer.write(type.byte)
        if type.anyoneCanPay {
            let input = transaction.inputs[index]
            SignatureHash.write(
                input.previous, input.sequence, shared.spent[index].output, into: &writer)
        } else {
            writer.write(shared.inputsPart)
            writer.write(UInt32(truncatingIfNeeded: index))
        }
        switch type.outputs {
        case .all:
            writer.write(shared.outputsPart)
        case .none:
            break
        case .single:
            guard transaction.outputs.indices.contains(index) else { return nil }
            writer.write(transaction.outputs[index])
        }
        return Blake2b.hash256(.signatureHash, writer.bytes)
    }

    /// Bytes hashed for one message beyond the shared parts, for the bound on script work.
    func messageBytes(input index: Int, type: SignatureHashType) -> Int {
        let transaction = shared.transaction
        var count = SignatureHash.prefixBytes(of: transaction) + 1 + 2 * Hash256.byteCount
        if type.anyoneCanPay, transaction.inputs.indices.contains(index) {
            count += shared.spent[index].output.locking.bytes.count + 64
        }
        if type.outputs == .single, transaction.outputs.indices.contains(index) {
            count += transaction.outputs[index].locking.bytes.count
        }
        return count
    }

    /// Chain, version, kind, lock time and payload.
    private static func prefixBytes(of transaction: Transaction) -> Int {
        let payload = transaction.payload.count
        return Hash256.byteCount + 2 + 2 + 4 + ByteWriter.compactSizeWidth(UInt64(payload)) + payload
    }

    private static func write(
        _ previous: OutPoint, _ sequence: UInt32, _ output: TransactionOutput, into writer: inout ByteWriter
    ) {
        writer.write(previous)
        writer.write(output)
        writer.write(sequence)
    }
}
