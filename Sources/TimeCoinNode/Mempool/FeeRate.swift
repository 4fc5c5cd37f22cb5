public import TimeCoinCore

/// Units a byte, as an exact fraction.
public struct FeeRate: Hashable, Sendable, Comparable {
    /// Units.
    public let fee: UInt64
    /// Bytes, never 0.
    public let size: UInt64

    public init(fee: Amount, size: Int) {
        self.fee = fee.units
        self.size = UInt64(max(1, size))
    }

    /// Cross multiplication: exact for all inputs.
    public static func < (left: FeeRate, right: FeeRate) -> Bool {
        let leftProduct = left.fee.multipliedFullWidth(by: right.size)
        let rightProduct = right.fee.multipliedFullWidth(by: left.size)
        return (leftProduct.high, leftProduct.low) < (rightProduct.high, rightProduct.low)
    }
}
