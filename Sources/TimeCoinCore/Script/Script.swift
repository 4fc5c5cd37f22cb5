/// A program that locks or unlocks an output. Any bytes are a script; running it decides.
public struct Script: Hashable, Sendable {
    /// The program as it stands in a transaction, without its length.
    public let bytes: [UInt8]

    /// Bytes of a script that can still run (Bitcoin's limit, as all below).
    public static let bytesMax = 10_000
    /// Bytes of one item that a script pushes.
    public static let pushBytesMax = 520
    /// Operations of one script beyond pushes, executed or not, with the keys of an executed CHECKMULTISIG.
    public static let operationsMax = 201
    /// Items on both stacks together.
    public static let stackItemsMax = 1000
    /// Keys of one CHECKMULTISIG.
    public static let multisigKeysMax = 20
    /// The script without any operation.
    public static let empty = Script([])

    /// Takes any bytes, of any length.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Begins with RETURN: it can never be spent, may have value 0 and does not enter the output set.
    public var isDataCarrier: Bool { bytes.first == Opcode.return.rawValue }

    /// Only pushes, each complete; RESERVED counts as one, as in Bitcoin.
    public var isPushOnly: Bool {
        var reader = ScriptReader(self)
        while let next = reader.next() {
            guard case .success(let element) = next, element.isPush else { return false }
        }
        return true
    }
}
