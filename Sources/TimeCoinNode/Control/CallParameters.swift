import TimeCoinControl

/// The parameters of a call by name, checked against the method's table, whether they came as array or as
/// object.
struct CallParameters: Sendable {
    private let values: [String: JSONValue]

    init(_ json: JSONValue, of method: RPCMethod) throws(RPCError) {
        var values: [String: JSONValue] = [:]
        switch json {
        case .array(let items):
            guard items.count <= method.parameters.count else {
                throw RPCError(
                    .invalidParameters, "too-many-parameters",
                    "\(method.name) takes at most \(method.parameters.count)",
                    hint: method.usage)
            }
            for (parameter, item) in zip(method.parameters, items) where !item.isNull {
                values[parameter.name] = item
            }
        case .object(let members):
            for member in members {
                guard method.parameters.contains(where: { $0.name == member.name }) else {
                    throw RPCError(
                        .invalidParameters, "unknown-parameter",
                        "\(method.name) has no parameter \(member.name)",
                        hint: method.usage)
                }
                if !member.value.isNull { values[member.name] = member.value }
            }
        default: break
        }
        for parameter in method.parameters {
            guard let value = values[parameter.name] else {
                guard parameter.isRequired else { continue }
                throw RPCError(
                    .invalidParameters, "missing-parameter",
                    "\(method.name) needs \(parameter.name): \(parameter.summary)",
                    hint: method.usage)
            }
            guard CallParameters.fits(value, parameter.kind) else {
                throw RPCError(
                    .invalidParameter, "bad-parameter",
                    "\(parameter.name) is of kind \(parameter.kind.rawValue)",
                    hint: method.usage)
            }
        }
        self.values = values
    }

    private static func fits(_ value: JSONValue, _ kind: RPCMethod.Kind) -> Bool {
        switch kind {
        case .string, .path: value.string != nil
        case .integer: value.token.flatMap { Int64($0) } != nil
        case .boolean: value.bool != nil || value.token.map { $0 == "true" || $0 == "false" } ?? false
        case .amount, .block: value.token != nil
        case .json:
            switch value {
            case .array, .object: true
            default: false
            }
        }
    }

    func string(_ name: String) -> String? { values[name]?.string }

    func json(_ name: String) -> JSONValue? { values[name] }

    func token(_ name: String) -> String? { values[name]?.token }

    func integer(_ name: String) throws(RPCError) -> Int64? {
        guard let value = values[name] else { return nil }
        guard let number = value.token.flatMap({ Int64($0) }), number >= 0 else {
            throw RPCError(.invalidParameter, "bad-parameter", "\(name) is a whole number from 0")
        }
        return number
    }

    func bool(_ name: String) throws(RPCError) -> Bool? {
        guard let value = values[name] else { return nil }
        return value.bool ?? (value.token == "true")
    }
}
