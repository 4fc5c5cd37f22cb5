/// How a program ends, for scripts.
public enum ExitCode: Int32, Sendable {
    case ok = 0
    /// The node said no.
    case refused = 1
    case usage = 64
    case badInput = 65
    case unreachable = 69
    case internalError = 70
    case ioError = 74
    /// Warming up, syncing, or waited long enough.
    case temporary = 75
    case permission = 77
    case configuration = 78
    case timeout = 124
}

/// An answer that says no, with what to do about it.
public struct RPCError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The numbers of JSON-RPC 2.0 and Bitcoin where the meaning is the same.
    public enum Code: Int, Sendable {
        case parse = -32700
        case invalidRequest = -32600
        case unknownMethod = -32601
        case invalidParameters = -32602
        case internalError = -32603
        case notFound = -5
        case insufficientFunds = -6
        case invalidParameter = -8
        case unlockNeeded = -13
        case wrongPassphrase = -14
        case deserialization = -22
        case verification = -25
        case rejected = -26
        case alreadyInChain = -27
        case warmingUp = -28
        case finalityTimeout = -33001
        case notSynced = -33002
        case rateLimited = -33003
    }

    public let code: Int
    /// One word for programs.
    public let reason: String
    public let message: String
    public let hint: String?

    public init(_ code: Code, _ reason: String, _ message: String, hint: String? = nil) {
        self.code = code.rawValue
        self.reason = reason
        self.message = message
        self.hint = hint ?? RPCError.advice(on: reason)
    }

    /// From an answer's error object.
    public init(json: JSONValue) {
        code = Int(json["code"]?.integer ?? Int64(Code.internalError.rawValue))
        message = json["message"]?.string ?? "the node gave no reason"
        reason = json["data"]?["reason"]?.string ?? "error"
        hint = json["data"]?["hint"]?.string
    }

    public var json: JSONValue {
        .object([
            "code": .integer(code), "message": .string(message),
            "data": .object(["reason": .string(reason), "hint": .optional(hint)]),
        ])
    }

    public var description: String { "\(reason): \(message)" }

    public var exitCode: ExitCode {
        switch Code(rawValue: code) {
        case .unknownMethod, .invalidParameters: .usage
        case .invalidParameter, .deserialization, .parse, .invalidRequest: .badInput
        case .unlockNeeded, .wrongPassphrase: .permission
        case .warmingUp, .notSynced, .finalityTimeout, .rateLimited: .temporary
        case .internalError: .internalError
        default: .refused
        }
    }
}
