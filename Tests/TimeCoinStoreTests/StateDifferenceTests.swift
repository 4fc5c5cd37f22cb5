import Testing
import TimeCoinCore

@testable import TimeCoinStore

@Suite("What differs between two states")
struct StateDifferenceTests {
    /// SplitMix64.
    private struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var word = state
            word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
            word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
            return word ^ word >> 31
        }
    }

    private func bytes(_ count: Int, _ random: inout Random) -> [UInt8] {
        // Few values, so that much is equal by chance.
        (0..<count).map { _ in UInt8.random(in: 0..<3, using: &random) }
    }

    private func encoded(_ difference: StateDifference) -> [UInt8] {
        var writer = ByteWriter()
        difference.encode(into: &writer)
        return writer.bytes
    }

    private func decoded(_ bytes: [UInt8]) throws -> StateDifference {
        try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            try StateDifference(from: &reader)
        }
    }

    @Test("leads to the state byte for byte, and survives its encoding, whatever the two are")
    func exact() throws {
        for seed in UInt64(0)..<400 {
            var random = Random(state: seed)
            let other = bytes(.random(in: 0...60, using: &random), &random)
            var state = Bool.random(using: &random) ? other : bytes(40, &random)
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let place = Int.random(in: 0...state.count, using: &random)
                switch UInt8.random(in: 0...2, using: &random) {
                case 0: state.insert(9, at: place)
                case 1 where place < state.count: state.remove(at: place)
                default: if place < state.count { state[place] = 8 }
                }
            }
            let difference = StateDifference(state, from: other)
            #expect(difference.state(from: other) == state, "seed \(seed)")
            #expect(try decoded(encoded(difference)) == difference, "seed \(seed)")
        }
    }

    @Test("leads to nothing from another state, and no cut of it is read")
    func other() throws {
        var random = Random(state: 5)
        let other = bytes(300, &random)
        var state = other
        state[10] = 7
        state[200] = 7
        let difference = StateDifference(state, from: other)
        for changed in [0, 150, 299] {
            var wrong = other
            wrong[changed] ^= 0x80
            #expect(difference.state(from: wrong) == nil)
        }
        for count in [0, 1, 150, 299] { #expect(difference.state(from: Array(other[..<count])) == nil) }
        #expect(difference.state(from: other + [0]) == nil)
        let form = encoded(difference)
        #expect(form.count < 24)
        for cut in form.indices {
            #expect(throws: DecodingFailure.self) { try decoded(Array(form[..<cut])) }
        }
    }

    @Test("of which a form says too much is refused: more than the state has, or beyond its end")
    func limits() throws {
        // Bytes, suffix, checksum, changes, gap, change.
        #expect(throws: DecodingFailure.self) { try decoded([2, 3, 0, 0, 0, 0, 0]) }
        #expect(throws: DecodingFailure.self) { try decoded([4, 2, 0, 0, 0, 0, 1, 3, 1, 7]) }
        #expect(throws: DecodingFailure.self) { try decoded([4, 2, 0, 0, 0, 0, 1, 1, 2, 7, 7]) }
        #expect(throws: DecodingFailure.self) { try decoded([4, 2, 0, 0, 0, 0, 1, 1, 0, 0]) }
        #expect(try decoded([4, 2, 0, 0, 0, 0, 1, 1, 1, 7]).state(from: [1, 2, 3, 4]) == nil)
    }
}
