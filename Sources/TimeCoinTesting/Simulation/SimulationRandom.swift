/// Numbers that follow from a seed and the name of a stream alone: the same on every machine, and one stream
/// does not shift when another is used less.
struct SimulationRandom: Sendable {
    /// What a stream is for.
    enum Stream: UInt64, Sendable {
        case plan = 1
        case network
        case delays
        case partitions
        case crashes
        case disks
        case clocks
        case byzantine
        case values
        case payments
        case samples
        case sets
    }

    private var state: UInt64

    init(seed: UInt64, _ stream: Stream, _ part: Int = 0) {
        var mixed = SimulationRandom(state: seed)
        state = mixed.next() ^ (stream.rawValue &* 0x9e37_79b9_7f4a_7c15)
        mixed = SimulationRandom(state: state &+ UInt64(truncatingIfNeeded: part) &* 0xd1b5_4a32_d192_ed03)
        state = mixed.next()
    }

    private init(state: UInt64) {
        self.state = state
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    /// Below a bound; 0 for a bound of 0.
    mutating func below(_ bound: UInt64) -> UInt64 {
        bound == 0 ? 0 : next().multipliedFullWidth(by: bound).high
    }

    mutating func below(_ bound: Int) -> Int {
        Int(truncatingIfNeeded: below(UInt64(truncatingIfNeeded: max(0, bound))))
    }

    mutating func within(_ range: ClosedRange<UInt64>) -> UInt64 {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// True so many times in a thousand.
    mutating func chance(permille: UInt64) -> Bool {
        permille > 0 && below(1000) < permille
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }
}
