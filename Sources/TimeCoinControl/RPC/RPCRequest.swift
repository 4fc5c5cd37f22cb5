/// One call.
public struct RPCRequest: Sendable, Hashable {
    /// A string, a number, or null; `nil` for a notification.
    public let id: JSONValue?
    public let method: String
    /// An array or an object.
    public let parameters: JSONValue

    /// Calls in one batch at most.
    public static let batchMax = 100

    public init(id: JSONValue?, method: String, parameters: JSONValue) {
        self.id = id
        self.method = method
        self.parameters = parameters
    }

    public init(json: JSONValue) throws(RPCError) {
        guard case .object = json, json["jsonrpc"] == .string("2.0"),
            let method = json["method"]?.string
        else {
            throw RPCError(
                .invalidRequest, "invalid-request", "a call has jsonrpc \"2.0\", a method and params")
        }
        let parameters = json["params"] ?? .array([])
        switch parameters {
        case .array, .object: break
        case .null: break
        default: throw RPCError(.invalidRequest, "invalid-request", "params is an array or an object")
        }
        switch json["id"] {
        case .none, .null, .string, .number: break
        default: throw RPCError(.invalidRequest, "invalid-request", "an id is a string, a number or null")
        }
        id = json["id"]
        self.method = method
        self.parameters = parameters.isNull ? .array([]) : parameters
    }

    public var json: JSONValue {
        .object([
            "jsonrpc": .string("2.0"), "id": id ?? .null, "method": .string(method), "params": parameters,
        ])
    }
}

/// The answer to one call.
public enum RPCResponse {
    public static func json(id: JSONValue?, _ result: Result<JSONValue, RPCError>) -> JSONValue {
        switch result {
        case .success(let value):
            .object(["jsonrpc": .string("2.0"), "result": value, "id": id ?? .null])
        case .failure(let error):
            .object(["jsonrpc": .string("2.0"), "error": error.json, "id": id ?? .null])
        }
    }
}
