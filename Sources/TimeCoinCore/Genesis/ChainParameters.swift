/// Which money this is: real, for trying out, or of one machine.
public enum Network: String, Hashable, Sendable, CaseIterable {
    case main
    case test
    case local

    /// Prefix of bech32m addresses.
    public var addressPrefix: String {
        switch self {
        case .main: "time"
        case .test: "ttime"
        case .local: "rtime"
        }
    }
}

/// The numbers that all nodes of a chain share. They come from genesis and are part of the state root.
public struct ChainParameters: Hashable, Sendable {
    public var network: Network
    /// Length of a slot, milliseconds.
    public var slotMilliseconds: UInt64
    /// Least time between a block and the payment block after it, milliseconds.
    public var paymentIntervalMilliseconds: UInt64
    /// Minted each slot.
    public var subsidy: Amount
    /// An accrual that reaches it is paid out.
    public var payoutThreshold: Amount
    /// Base timeouts of consensus, milliseconds.
    public var proposeTimeoutMilliseconds: UInt64
    public var prevoteTimeoutMilliseconds: UInt64
    public var precommitTimeoutMilliseconds: UInt64
    /// Added to every timeout for each round after the second, milliseconds.
    public var timeoutIncrementMilliseconds: UInt64
    /// How long a message may travel before its proposal is no longer timely, milliseconds.
    public var messageDelayMilliseconds: UInt64

    /// Slots of ten minutes, payments within about a second.
    public static let main = ChainParameters(network: .main)
    public static let test = ChainParameters(network: .test)

    /// A chain of one machine: slots of `slotMilliseconds`, timeouts in proportion.
    public static func local(slotMilliseconds: UInt64, paymentIntervalMilliseconds: UInt64) -> ChainParameters
    {
        var parameters = ChainParameters(network: .local)
        parameters.slotMilliseconds = max(1, slotMilliseconds)
        parameters.paymentIntervalMilliseconds = paymentIntervalMilliseconds
        let fifth = slotMilliseconds / 5
        parameters.proposeTimeoutMilliseconds = min(max(fifth, 500), 3000)
        parameters.prevoteTimeoutMilliseconds = min(max(fifth / 2, 250), 1000)
        parameters.precommitTimeoutMilliseconds = min(max(fifth / 2, 250), 1000)
        parameters.timeoutIncrementMilliseconds = min(max(fifth / 2, 100), 500)
        return parameters
    }

    private init(network: Network) {
        self.network = network
        slotMilliseconds = 600_000
        paymentIntervalMilliseconds = 1000
        subsidy = Amount(units: 100 * Amount.unitsPerTime) ?? .zero
        payoutThreshold = Amount(units: 10 * Amount.unitsPerTime) ?? .zero
        proposeTimeoutMilliseconds = 3000
        prevoteTimeoutMilliseconds = 1000
        precommitTimeoutMilliseconds = 1000
        timeoutIncrementMilliseconds = 500
        messageDelayMilliseconds = 3000
    }

    /// The precision that clocks are expected to keep: min(500 ms, slot / 10).
    public var clockPrecisionMilliseconds: UInt64 { min(500, slotMilliseconds / 10) }

    /// Whether a fresh proposal of this header time is timely at `clock`; asked once, at first receipt.
    public func isTimely(_ time: Timestamp, at clock: Timestamp) -> Bool {
        let precision = clockPrecisionMilliseconds
        let latest = clock.advanced(byMilliseconds: precision)
        let reach = time.advanced(byMilliseconds: 2 * precision + messageDelayMilliseconds)
        return time <= latest && reach >= clock
    }

    public func encode(into writer: inout ByteWriter) {
        writer.write(prefixed: Array(network.rawValue.utf8))
        writer.write(slotMilliseconds)
        writer.write(paymentIntervalMilliseconds)
        writer.write(subsidy)
        writer.write(payoutThreshold)
        writer.write(proposeTimeoutMilliseconds)
        writer.write(prevoteTimeoutMilliseconds)
        writer.write(precommitTimeoutMilliseconds)
        writer.write(timeoutIncrementMilliseconds)
        writer.write(messageDelayMilliseconds)
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        let name = try reader.readPrefixed(limit: 16)
        guard let network = Network(rawValue: String(decoding: name, as: UTF8.self)) else {
            throw reader.failure(.unknownKind)
        }
        self.network = network
        slotMilliseconds = try reader.readInteger()
        paymentIntervalMilliseconds = try reader.readInteger()
        subsidy = try reader.readAmount()
        payoutThreshold = try reader.readAmount()
        proposeTimeoutMilliseconds = try reader.readInteger()
        prevoteTimeoutMilliseconds = try reader.readInteger()
        precommitTimeoutMilliseconds = try reader.readInteger()
        timeoutIncrementMilliseconds = try reader.readInteger()
        messageDelayMilliseconds = try reader.readInteger()
    }
}
