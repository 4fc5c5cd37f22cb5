/// Where all the money is. `unspent + accrued + remainder + burned = allocated + slots × subsidy` in every
/// state.
public struct Supply: Hashable, Sendable {
    /// Sum of the output set.
    public var unspent: Amount
    /// Earned and not yet paid out.
    public var accrued: Amount
    /// Left over from dividing subsidies.
    public var remainder: Amount
    /// Gone for good: the price of growth.
    public var burned: Amount
    /// What genesis gave out.
    public let allocated: Amount

    init(allocated: Amount) {
        unspent = allocated
        accrued = .zero
        remainder = .zero
        burned = .zero
        self.allocated = allocated
    }

    /// All the money that exists or was burned.
    public var total: Amount? { Amount.sum([unspent, accrued, remainder, burned]) }

    /// What must exist after so many slots.
    public func scheduled(slot: Slot, subsidy: Amount) -> Amount? {
        subsidy.multiplied(by: slot)?.adding(allocated)
    }

    public func encode(into writer: inout ByteWriter) {
        for amount in [unspent, accrued, remainder, burned, allocated] {
            writer.write(amount)
        }
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        unspent = try reader.readAmount()
        accrued = try reader.readAmount()
        remainder = try reader.readAmount()
        burned = try reader.readAmount()
        allocated = try reader.readAmount()
    }
}
