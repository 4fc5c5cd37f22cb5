/// A set of small numbers, one bit each.
struct BitSet {
    private var words: [UInt64] = []

    init() {}

    /// With room for the numbers below `count`.
    init(room count: UInt64) {
        words = Array(repeating: 0, count: Int(min(count, BitSet.numberMax) >> 6) + 1)
    }

    /// Larger numbers are not kept; the set takes 32 MiB at most.
    static let numberMax: UInt64 = 1 << 28

    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    func contains(_ number: UInt64) -> Bool {
        guard number < UInt64(words.count) << 6 else { return false }
        return words[Int(number >> 6)] & 1 << (number & 63) != 0
    }

    /// - Returns: `false` when it was there already.
    @discardableResult
    mutating func insert(_ number: UInt64) -> Bool {
        guard number <= BitSet.numberMax else { return true }
        let place = Int(number >> 6)
        if place >= words.count {
            words.append(contentsOf: repeatElement(0, count: place + 1 - words.count))
        }
        guard words[place] & 1 << (number & 63) == 0 else { return false }
        words[place] |= 1 << (number & 63)
        return true
    }
}
