/// A sum of money in units; 1 TIME = 100,000,000 units.
///
/// Every value lies in `0 … 2,100,000,000,000,000,000` units. Arithmetic is checked and returns `nil`
/// outside that range; nothing is ever computed in floating point.
public struct Amount: Hashable, Sendable, Comparable {
    /// Units, `0 … Amount.maximum.units`.
    public let units: UInt64

    public static let unitsPerTime: UInt64 = 100_000_000
    public static let decimals = 8
    public static let zero = Amount(unchecked: 0)
    public static let maximum = Amount(unchecked: 2_100_000_000_000_000_000)

    private init(unchecked units: UInt64) {
        self.units = units
    }

    /// `nil` above ``maximum``.
    public init?(units: UInt64) {
        guard units <= Amount.maximum.units else { return nil }
        self.units = units
    }

    public static func < (left: Amount, right: Amount) -> Bool { left.units < right.units }

    /// The sum, or `nil` above ``maximum``.
    public func adding(_ other: Amount) -> Amount? {
        // Both are at most 2.1e18, so the sum fits in 64 bits.
        Amount(units: units &+ other.units)
    }

    /// The difference, or `nil` below zero.
    public func subtracting(_ other: Amount) -> Amount? {
        units >= other.units ? Amount(unchecked: units &- other.units) : nil
    }

    /// The product with a count, or `nil` above ``maximum``.
    public func multiplied(by count: UInt64) -> Amount? {
        let (product, overflow) = units.multipliedReportingOverflow(by: count)
        return overflow ? nil : Amount(units: product)
    }

    /// The sum of all, or `nil` as soon as it passes ``maximum``.
    public static func sum(_ amounts: some Sequence<Amount>) -> Amount? {
        var total = Amount.zero
        for amount in amounts {
            guard let next = total.adding(amount) else { return nil }
            total = next
        }
        return total
    }
}

extension Amount: CustomStringConvertible {
    /// TIME with exactly 8 decimals, the only textual form: `25.00000000`.
    public var description: String {
        let whole = units / Amount.unitsPerTime
        let fraction = String(units % Amount.unitsPerTime)
        return "\(whole)." + String(repeating: "0", count: Amount.decimals - fraction.utf8.count) + fraction
    }

    /// Reads a decimal number of TIME: digits, optionally a point and 1 to 8 digits. No sign, no exponent, no
    /// spaces; more than 8 decimals are refused rather than rounded.
    public init?(decimal text: String) {
        let bytes = Array(text.utf8)
        guard (1...32).contains(bytes.count) else { return nil }
        var units: UInt64 = 0
        var decimalsSeen: Int?
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: ".") {
                guard decimalsSeen == nil, index > 0, index < bytes.count - 1 else { return nil }
                decimalsSeen = 0
                continue
            }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            if let seen = decimalsSeen {
                guard seen < Amount.decimals else { return nil }
                decimalsSeen = seen + 1
            }
            let (shifted, shiftOverflow) = units.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = shifted.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            guard !shiftOverflow, !sumOverflow else { return nil }
            units = sum
        }
        for _ in (decimalsSeen ?? 0)..<Amount.decimals {
            let (shifted, overflow) = units.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            units = shifted
        }
        self.init(units: units)
    }
}
