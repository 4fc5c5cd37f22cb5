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
    private let transaction: Transaction
    private let spent: [TransactionOutput]
    private let prefix: [UInt8]
    private let inputsPart: Hash256
    private let outputsPart: Hash256

    /// `nil` unless there is exactly one spent output for every input.
    ///
    /// - Parameter chain: the hash of the genesis block, so that a signature is good on one chain only.
    public init?(transaction: Transaction, spending spent: [TransactionOutput], chain: Hash256) {
        guard transaction.inputs.count == spent.count else { return nil }
        self.transaction = transaction
        self.spent = spent
        var prefix = ByteWriter(reserving: 48 + transaction.payload.count)
        prefix.write(chain)
        prefix.write(transaction.version)
        prefix.write(transaction.kind.rawValue)
        prefix.write(transaction.lockTime)
        prefix.write(prefixed: transaction.payload)
        self.prefix = prefix.bytes
        var inputs = ByteWriter(reserving: transaction.inputs.count * 80)
        for (input, output) in zip(transaction.inputs, spent) {
            SignatureHash.write(input, output, into: &inputs)
        }
        inputsPart = Blake2b.hash256(.signaturePart, inputs.bytes)
        var outputs = ByteWriter(reserving: transaction.outputs.count * 40)
        for output in transaction.outputs {
            outputs.write(output)
        }
        outputsPart = Blake2b.hash256(.signaturePart, outputs.bytes)
    }

    /// The 32 bytes that a signature of this type by this input signs; `nil` for SINGLE without its output.
    public func message(input index: Int, type: SignatureHashType) -> Hash256? {
        guard transaction.inputs.indices.contains(index) else { return nil }
        var writer = ByteWriter(reserving: prefix.count + 160)
        writer.write(raw: prefix)
        writer.write(type.byte)
        if type.anyoneCanPay {
            SignatureHash.write(transaction.inputs[index], spent[index], into: &writer)
        } else {
            writer.write(inputsPart)
            writer.write(UInt32(truncatingIfNeeded: index))
        }
        switch type.outputs {
        case .all:
            writer.write(outputsPart)
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
        var count = prefix.count + 1 + 2 * Hash256.byteCount
        if type.anyoneCanPay, spent.indices.contains(index) { count += spent[index].locking.bytes.count + 64 }
        if type.outputs == .single, transaction.outputs.indices.contains(index) {
            count += transaction.outputs[index].locking.bytes.count
        }
        return count
    }

    private static func write(
        _ input: TransactionInput, _ output: TransactionOutput, into writer: inout ByteWriter
    ) {
        writer.write(input.previous)
        writer.write(output)
        writer.write(input.sequence)
    }
}
