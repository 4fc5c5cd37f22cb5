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
        /// The file could not be read or written; otherwise what it says is wrong.
        public let isFaultOfDisk: Bool

        init(description: String, isFaultOfDisk: Bool = false) {
            self.description = description
            self.isFaultOfDisk = isFaultOfDisk
        }
    }

    public let parameters: ChainParameters
    public let time: Timestamp
    public let validators: [Validator]
    public let allocations: [Allocation]

    private static let bytesMax = 16 << 20
    /// Milliseconds since 1970 up to which every reader of JSON keeps the number exactly.
    static let timeMax: UInt64 = 1 << 53

    /// Milliseconds that a slot may last: a minute to an hour, and from a fifth of a second where all nodes
    /// are on one machine.
    public static func slotRange(on network: Network) -> ClosedRange<UInt64> {
        network == .local ? 200...3_600_000 : 60_000...3_600_000
    }

    /// Whether a key can be somebody's: that of zeros is what an empty field becomes.
    public static func isKey(_ key: PublicKey) -> Bool { key.bytes.contains { $0 != 0 } }

    public init(
        parameters: ChainParameters, time: Timestamp, validators: [Validator], allocations: [Allocation]
    ) {
        self.parameters = parameters
        self.time = time
        self.validators = validators
        self.allocations = allocations
    }

    public init(reading path: String) throws(Failure) {
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure(description: "there is no genesis file \(path)")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure(description: "cannot read the genesis file \(path)", isFaultOfDisk: true)
        }
        guard data.count <= GenesisDocument.bytesMax else {
            throw Failure(
                description: "\(path): \(data.count) bytes, at most \(GenesisDocument.bytesMax) are allowed")
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

    /// Writes the document; never one that could not be read again.
    public func write(to path: String) throws(Failure) {
        _ = try GenesisDocument(json: json)
        do {
            try Data((json.pretty + "\n").utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw Failure(description: "cannot write \(path)", isFaultOfDisk: true)
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

    /// Reads what ``json`` is.
    ///
    /// - Throws: all problems at once, each with its place, its value and what is allowed.
    init(json: JSONValue) throws(Failure) {
        var reading = GenesisReading()
        guard let document = reading.document(json) else {
            throw Failure(description: reading.report)
        }
        self = document
    }
}

/// Reads a document to its end, whatever is wrong with it.
private struct GenesisReading {
    /// Problems that are told at most.
    private static let problemsMax = 50

    private var problems: [String] = []

    var report: String {
        let told = problems.prefix(GenesisReading.problemsMax)
        let rest = problems.count - told.count
        return (told + (rest > 0 ? ["and \(rest) more"] : [])).joined(separator: "\n  ")
    }

    /// `nil` when there is any problem.
    mutating func document(_ json: JSONValue) -> GenesisDocument? {
        fields(
            json, "the document",
            ["network", "time", "slot", "paymentInterval", "validators", "allocations"])
        let network = json["network"]?.string.flatMap { Network(rawValue: $0) }
        if network == nil { refuse("network", json["network"], "\"main\", \"test\" or \"local\"") }
        let time = number(json["time"], "time", 1...GenesisDocument.timeMax, "milliseconds since 1970")
        let parameters = parameters(json, network)
        let validators = items(json["validators"], "validators") { reading, item, place in
            reading.validator(item, place, network)
        }
        let allocations = items(json["allocations"], "allocations") { reading, item, place in
            reading.allocation(item, place, network)
        }
        guard problems.isEmpty, let time, let parameters else { return nil }
        return GenesisDocument(
            parameters: parameters, time: Timestamp(milliseconds: time), validators: validators,
            allocations: allocations)
    }

    private mutating func parameters(_ json: JSONValue, _ network: Network?) -> ChainParameters? {
        let standard: ChainParameters? =
            switch network {
            case .main: .main
            case .test: .test
            case .local, nil: nil
            }
        let range = GenesisDocument.slotRange(on: network ?? .local)
        let slots = standard.map { $0.slotMilliseconds...$0.slotMilliseconds } ?? range
        let slot = number(json["slot"], "slot", slots, "milliseconds")
        // Longer than a slot there would never be a payment block.
        let intervals =
            standard.map { $0.paymentIntervalMilliseconds...$0.paymentIntervalMilliseconds }
            ?? 0...(slot ?? range.upperBound)
        let interval = number(json["paymentInterval"], "paymentInterval", intervals, "milliseconds")
        guard let slot, let interval else { return nil }
        return standard ?? .local(slotMilliseconds: slot, paymentIntervalMilliseconds: interval)
    }

    private mutating func validator(
        _ json: JSONValue, _ place: String, _ network: Network?
    ) -> GenesisDocument.Validator? {
        fields(json, place, ["operatorKey", "weight", "payout"])
        let key = json["operatorKey"]?.string.flatMap { PublicKey(hex: $0) }
        if !(key.map(GenesisDocument.isKey) ?? false) {
            refuse("\(place).operatorKey", json["operatorKey"], "64 hexadecimal digits, not all zero")
        }
        let weight = number(json["weight"], "\(place).weight", 1...ValidatorSet.totalWeightMax, "votes")
        let payout = address(json["payout"], "\(place).payout", network)
        guard let key, let weight, let payout else { return nil }
        return GenesisDocument.Validator(operatorKey: key, weight: weight, payout: payout)
    }

    private mutating func allocation(
        _ json: JSONValue, _ place: String, _ network: Network?
    ) -> GenesisDocument.Allocation? {
        fields(json, place, ["address", "amount"])
        let amount = json["amount"]?.string.flatMap { Amount(decimal: $0) }
        if amount == nil {
            refuse(
                "\(place).amount", json["amount"],
                "a string of decimal TIME, \(Amount.decimals) decimals and \(Amount.maximum) at most")
        }
        let address = address(json["address"], "\(place).address", network)
        guard let amount, let address else { return nil }
        return GenesisDocument.Allocation(address: address, amount: amount)
    }

    // MARK: - Values

    private mutating func items<Value>(
        _ json: JSONValue?, _ place: String, _ read: (inout GenesisReading, JSONValue, String) -> Value?
    ) -> [Value] {
        guard let items = json?.array else {
            refuse(place, json, "an array")
            return []
        }
        return items.enumerated().compactMap { read(&self, $1, "\(place)[\($0)]") }
    }

    /// Refuses what is no object, and every field that means nothing: it is mistyped, or of another program.
    private mutating func fields(_ json: JSONValue, _ place: String, _ known: [String]) {
        guard case .object(let members) = json else {
            refuse(place, json, "an object")
            return
        }
        for member in members where !known.contains(member.name) {
            refuse(
                "\(place) has the unknown field \(GenesisReading.short(.string(member.name)))", member.value,
                known.joined(separator: ", "))
        }
    }

    private mutating func number(
        _ json: JSONValue?, _ place: String, _ range: ClosedRange<UInt64>, _ unit: String
    ) -> UInt64? {
        if case .number(let token) = json, let value = UInt64(token), range.contains(value) { return value }
        let allowed =
            range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
        refuse(place, json, "\(allowed) \(unit)")
        return nil
    }

    private mutating func address(_ json: JSONValue?, _ place: String, _ network: Network?) -> Address? {
        guard let network else { return nil }
        do {
            return try Address(parsing: json?.string ?? "", network: network)
        } catch {
            refuse(place, json, "an address of \(network.rawValue): \(error)")
            return nil
        }
    }

    private mutating func refuse(_ place: String, _ value: JSONValue?, _ allowed: String) {
        problems.append("\(place): \(value.map(GenesisReading.short) ?? "missing"); allowed: \(allowed)")
    }

    private static func short(_ value: JSONValue) -> String {
        let text = value.compact
        return text.count <= 80 ? text : "\(text.prefix(77))…"
    }
}
