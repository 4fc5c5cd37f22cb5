import Testing
import TimeCoinCore

@testable import TimeCoinConsensus

@Suite("What a signer remembers")
struct SignerPositionsTests {
    private let key: SigningKey

    init() throws {
        key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32)))
    }

    private func record(_ position: SignerPosition, _ bytes: [UInt8]) -> SignerRecord {
        SignerRecord(position: position, bytes: bytes, signature: key.sign(bytes))
    }

    @Test("K14: a recovery vote is signed once a height, also of one that is over, and moves nothing else")
    func recovery() {
        var positions = SignerPositions()
        let last = SignerPosition(height: 9, round: 0, kind: .precommit)
        positions.note(record(last, [1]))
        let recovery = SignerPosition(height: 5, round: 0, kind: .recovery)
        #expect(positions.answer(recovery, bytes: [2]) == .sign)
        positions.note(record(recovery, [2]))
        #expect(positions.answer(recovery, bytes: [2]) == .reuse(key.sign([2])))
        #expect(positions.answer(recovery, bytes: [3]) == .refuse)
        #expect(positions.last == last)
        // Votes of that height are behind the last all the same.
        #expect(
            positions.answer(SignerPosition(height: 5, round: 3, kind: .precommit), bytes: [4]) == .refuse)
        #expect(positions.answer(last, bytes: [1]) == .reuse(key.sign([1])))
        #expect(
            positions.answer(SignerPosition(height: 6, round: 0, kind: .recovery), bytes: [3]) == .sign)
    }

    @Test("K14: what is no longer remembered is refused, not signed again")
    func forgotten() {
        var positions = SignerPositions()
        let rounds = 0...Round(SignerPositions.recordsMax)
        for round in rounds {
            positions.note(record(SignerPosition(height: 3, round: round, kind: .prevote), [1]))
        }
        #expect(positions.answer(SignerPosition(height: 3, round: 0, kind: .prevote), bytes: [1]) == .refuse)
        let second = SignerPosition(height: 3, round: 1, kind: .prevote)
        #expect(positions.answer(second, bytes: [1]) == .reuse(key.sign([1])))
        let newest = SignerPosition(height: 3, round: Round(SignerPositions.recordsMax), kind: .prevote)
        #expect(positions.answer(newest, bytes: [1]) == .reuse(key.sign([1])))
        // The next height lets all of this one go.
        positions.note(record(SignerPosition(height: 4, round: 0, kind: .prevote), [1]))
        #expect(positions.answer(second, bytes: [1]) == .refuse)
        #expect(positions.answer(newest, bytes: [1]) == .refuse)
        // A record that is read again late does not move the last position back.
        positions.note(record(second, [1]))
        #expect(positions.last == SignerPosition(height: 4, round: 0, kind: .prevote))
    }

    @Test("positions are in the order of height, round and step")
    func order() {
        let ordered = [
            SignerPosition(height: 1, round: 9, kind: .precommit),
            SignerPosition(height: 2, round: 0, kind: .proposal),
            SignerPosition(height: 2, round: 0, kind: .prevote),
            SignerPosition(height: 2, round: 0, kind: .precommit),
            SignerPosition(height: 2, round: 1, kind: .proposal),
        ]
        for (place, position) in ordered.enumerated() {
            for (other, another) in ordered.enumerated() {
                #expect((position < another) == (place < other))
            }
        }
    }
}
