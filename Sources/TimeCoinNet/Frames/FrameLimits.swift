/// What must not wait for each other on a connection: each class has its own inbox.
public enum MessageClass: UInt8, Hashable, Sendable, CaseIterable {
    case consensus = 0
    case control = 1
    case sync = 2
    case transactions = 3
}

/// For every type of message its class and the bytes of its payload at most. Types below 16 belong to the
/// transport.
public struct FrameLimits: Sendable {
    public struct Limit: Sendable, Hashable {
        public let messageClass: MessageClass
        /// Bytes.
        public let payloadMax: Int

        public init(_ messageClass: MessageClass, payloadMax: Int) {
            self.messageClass = messageClass
            self.payloadMax = payloadMax
        }
    }

    static let hello: UInt8 = 0
    static let ping: UInt8 = 1
    static let pong: UInt8 = 2
    /// The first type that an embedder may use.
    public static let firstType: UInt8 = 16
    /// Four bytes of length, one of type.
    static let headerByteCount = 5

    private var limits: [Limit?]

    /// Types below ``firstType`` are ignored.
    public init(_ table: [UInt8: Limit]) {
        limits = [Limit?](repeating: nil, count: 256)
        for (type, limit) in table where type >= FrameLimits.firstType {
            limits[Int(type)] = limit
        }
        limits[Int(FrameLimits.hello)] = Limit(.control, payloadMax: Hello.bytesMax)
        limits[Int(FrameLimits.ping)] = Limit(.control, payloadMax: 8)
        limits[Int(FrameLimits.pong)] = Limit(.control, payloadMax: 8)
    }

    public subscript(type: UInt8) -> Limit? { limits[Int(type)] }
}
