/// Some of the members of a run, by number.
struct MemberMask: Hashable, Sendable {
    private var words = SIMD4<UInt64>()

    /// Numbers that fit.
    static let countMax = 256

    func contains(_ number: Int) -> Bool {
        words[number >> 6] >> UInt64(number & 63) & 1 == 1
    }

    mutating func insert(_ number: Int) {
        words[number >> 6] |= 1 << UInt64(number & 63)
    }
}
