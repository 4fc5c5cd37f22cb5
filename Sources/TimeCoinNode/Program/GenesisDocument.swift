import Foundation
public import TimeCoinControl
public import TimeCoinCore

/// A genesis as people write it: JSON with addresses and decimal amounts.
public struct GenesisDocument: Sendable {
    public struct Validator: Sendable {
        public let operatorKey: PublicKey
        public let weight: UInt64
        public let payout: Address

        public init(operatorKey: PublicKey, weight: UInt64, payout: Address) {
            self.operatorKey = operatorKey
            self.weight = weight
            self.payout = payout
        }
    }

    public struct Allocation: Sendable {
        public let address: Address
        public let amount: Amount

        public init(address: Address, amount: Amount) {
            self.address = address
            self.amount = amount
        }
    }

    /// What is wrong with a document, and where.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    public let parameters: ChainParameters
    public let time: Timestamp
    public let validators: [Validator]
    public let allocations: [Allocation]

    private static let bytesMax = 16 << 20

    public init(
        parameters: ChainParameters, time: Timestamp, validators: [Validator], allocations: [Allocation]
    ) {
        self.parameters = parameters
        self.time = time
        self.validators = validators
        self.allocations = allocations
    }

    public init(reading path: String) throws(Failure) {
        guard let data = FileManager.default.contents(atPath: path), data.count <= GenesisDocument.bytesMax
        else {
            throw Failure(description: "cannot read the genesis file \(path)")
        }
        let json: JSONValue
        do {
            json = try JSONValue(parsing: Array(data))
        } catch {
            throw Failure(description: "\(path): \(error)")
        }
        do {
            try self.init(json: json)
        } catch {
            throw Failure(description: "\(path): \(error.description)")
        }
    }

    public func write(to path: String) throws(Failure) {
        guard FileManager.default.createFile(atPath: path, contents: Data((json.pretty + "\n").utf8)) else {
            throw Failure(description: "cannot write \(path)")
        }
    }

    /// The chain's beginning, checked.
    public func genesis() throws(Genesis.Failure) -> Genesis {
        try Genesis(
            parameters: parameters, time: time,
            members: validators.map {
                Registry.Entry(
                    operatorKey: $0.operatorKey, weight: $0.weight, payout: $0.payout.lockingScript)
            },
            allocations: allocations.map {
                Genesis.Allocation(locking: $0.address.lockingScript, amount: $0.amount)
            })
    }

    public var json: JSONValue {
        let network = parameters.network
        return .object([
            "network": .string(network.rawValue), "time": .integer(time.milliseconds),
            "slot": .integer(parameters.slotMilliseconds),
            "paymentInterval": .integer(parameters.paymentIntervalMilliseconds),
            "validators": .array(
                validators.map {
                    .object([
                        "operatorKey": .string($0.operatorKey.description), "weight": .integer($0.weight),
                        "payout": .string($0.payout.text(on: network)),
                    ])
                }),
            "allocations": .array(
                allocations.map {
                    .object([
                        "address": .string($0.address.text(on: network)),
                        "amount": .string($0.amount.description),
                    ])
                }),
        ])
    }

    init(json: JSONValue) throws(Failure) {
        guard let name = json["network"]?.string, let network = Network(rawValue: name) else {
            throw Failure(description: "network is \"main\", \"test\" or \"local\"")
        }
        guard let time = json["time"]?.integer, time > 0 else {
            throw Failure(description: "time is the genesis time in milliseconds since 1970")
        }
        parameters = try GenesisDocument.parameters(json, network)
        self.time = Timestamp(milliseconds: UInt64(time))
        guard let validators = json["validators"]?.array, let allocations = json["allocations"]?.array else {
            throw Failure(description: "validators and allocations are arrays")
        }
        self.validators = try GenesisDocument.each(validators, "validators") { item throws(Failure) in
            guard let key = item["operatorKey"]?.string.flatMap({ PublicKey(hex: $0) }) else {
                throw Failure(description: "operatorKey is 64 hexadecimal digits")
            }
            guard let weight = item["weight"]?.integer, weight > 0 else {
                throw Failure(description: "weight is a whole number from 1")
            }
            return Validator(
                operatorKey: key, weight: UInt64(weight),
                payout: try Self.address(item["payout"], "payout", network))
        }
        self.allocations = try GenesisDocument.each(allocations, "allocations") { item throws(Failure) in
            guard let amount = item["amount"]?.string.flatMap({ Amount(decimal: $0) }) else {
                throw Failure(description: "amount is a decimal string of TIME")
            }
            return Allocation(address: try Self.address(item["address"], "address", network), amount: amount)
        }
    }

    private static func parameters(_ json: JSONValue, _ network: Network) throws(Failure) -> ChainParameters {
        let standard: ChainParameters = network == .main ? .main : .test
        guard let slot = json["slot"]?.integer, let interval = json["paymentInterval"]?.integer, slot > 0,
            interval >= 0
        else { throw Failure(description: "slot and paymentInterval are milliseconds") }
        if network == .local {
            return .local(slotMilliseconds: UInt64(slot), paymentIntervalMilliseconds: UInt64(interval))
        }
        guard UInt64(slot) == standard.slotMilliseconds,
            UInt64(interval) == standard.paymentIntervalMilliseconds
        else { throw Failure(description: "slot and paymentInterval are fixed on \(network.rawValue)") }
        return standard
    }

    private static func each<Value>(
        _ items: [JSONValue], _ name: String, _ body: (JSONValue) throws(Failure) -> Value
    ) throws(Failure) -> [Value] {
        var values: [Value] = []
        for (index, item) in items.enumerated() {
            do {
                values.append(try body(item))
            } catch {
                throw Failure(description: "\(name)[\(index)]: \(error.description)")
            }
        }
        return values
    }

    private static func address(_ json: JSONValue?, _ name: String, _ network: Network) throws(Failure)
        -> Address
    {
        do {
            return try Address(parsing: json?.string ?? "", network: network)
        } catch {
            throw Failure(description: "\(name): \(error)")
        }
    }
}
