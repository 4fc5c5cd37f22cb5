/// A set of words in one block of memory, for many millions of them: 8 bytes each, at most 7 in 10 places
/// taken. The word of all ones is not storable.
struct StateSet: Sendable {
    private var places: [UInt64]
    private(set) var count = 0
    private var mask: Int

    init() {
        places = [UInt64](repeating: .max, count: 1 << 16)
        mask = places.count - 1
    }

    /// Whether it was not there.
    mutating func insert(_ word: UInt64) -> Bool {
        if count * 10 >= places.count * 7 { grow() }
        guard put(word) else { return false }
        count += 1
        return true
    }

    private mutating func put(_ word: UInt64) -> Bool {
        // The multiplier spreads neighbouring words; its high bits choose the place.
        var place = Int(truncatingIfNeeded: (word &* 0x9e37_79b9_7f4a_7c15) >> 20) & mask
        while places[place] != .max {
            if places[place] == word { return false }
            place = (place + 1) & mask
        }
        places[place] = word
        return true
    }

    private mutating func grow() {
        let old = places
        places = [UInt64](repeating: .max, count: old.count * 2)
        mask = places.count - 1
        for word in old where word != .max { _ = put(word) }
    }
}
