/// A program that locks or unlocks an output. Any bytes are a script; running it decides.
public struct Script: Hashable, Sendable {
    public let bytes: [UInt8]

    /// Bytes of a script that can still run.
    public static let bytesMax = 10_000
    /// Bytes that one push puts on the stack at most.
    public static let pushBytesMax = 520
    /// Operations beyond pushes, executed or not, keys of CHECKMULTISIG included.
    public static let operationsMax = 201
    /// Items on both stacks together.
    public static let stackItemsMax = 1000
    /// Keys of one CHECKMULTISIG.
    public static let multisigKeysMax = 20
    public static let empty = Script([])

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Begins with RETURN: it can never be spent, has value 0 and does not enter the output set.
    public var isDataCarrier: Bool { bytes.first == Opcode.return.rawValue }

    var isPushOnly: Bool {
        var reader = ScriptReader(self)
        while let next = reader.next() {
            guard case .success(let element) = next, element.opcode <= Opcode.number16.rawValue else { return false }
        }
        return true
    }
}
