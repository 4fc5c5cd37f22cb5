import Testing
import TimeCoinCore

@testable import TimeCoinConsensus

@Suite("Recovery votes, polkas to show")
struct RecoveryPositionTests {
    private func record(_ position: SignerPosition, _ bytes: [UInt8]) throws -> SignerRecord {
        SignerRecord(
            position: position, bytes: bytes,
            signature: try #require(Signature([UInt8](repeating: bytes.first ?? 0, count: 64))))
    }

    @Test("a recovery vote is signed once a height, below the last position, and moves nothing")
    func once() throws {
        var positions = SignerPositions()
        let vote = SignerPosition(height: 90, round: 2, kind: .precommit)
        positions.note(try record(vote, [1]))
        let recovery = SignerPosition(height: 40, round: 0, kind: .recovery)
        #expect(positions.answer(recovery, bytes: [2]) == .sign)
        let signed = try record(recovery, [2])
        positions.note(try SignerRecord(decoding: signed.encoded))
        #expect(positions.last == vote)
        #expect(positions.answer(recovery, bytes: [2]) == .reuse(signed.signature))
        #expect(positions.answer(recovery, bytes: [3]) == .refuse)
        #expect(positions.answer(SignerPosition(height: 41, round: 0, kind: .recovery), bytes: [3]) == .sign)
        positions.note(try record(SignerPosition(height: 91, round: 0, kind: .prevote), [4]))
        #expect(positions.answer(recovery, bytes: [3]) == .refuse)
    }

    @Test("beyond the recovery votes that are kept none is signed")
    func bounded() throws {
        var positions = SignerPositions()
        for height in 1...Height(SignerPositions.recoveriesMax) {
            positions.note(try record(SignerPosition(height: height, round: 0, kind: .recovery), [1]))
        }
        #expect(
            positions.answer(SignerPosition(height: 999, round: 0, kind: .recovery), bytes: [1]) == .refuse)
    }

    @Test("polkas are found again in what was heard, also of rounds that the machine has let go")
    func heard() throws {
        let members = try Members([1, 1, 1, 1])
        var heard = HeardPolkas(height: 1, validators: members.set)
        let value = members.value(1)
        for index in 0..<3 { heard.take(try members.vote(index, .prevote, 0, value)) }
        for index in 0..<2 { heard.take(try members.vote(index, .prevote, 3, members.value(2))) }
        for index in 0..<3 { heard.take(try members.vote(index, .precommit, 3, value)) }
        #expect(heard.polkas.map(\.certificate.round) == [0])
        #expect(heard.polkas.first?.certificate.value == value)
        heard.take(.certificate(try #require(heard.polkas.first)))
        heard.take(try members.vote(3, .prevote, 3, members.value(2), validRound: 1))
        #expect(heard.polkas.map(\.certificate.round) == [0, 3])
        for round in 10..<Round(10 + 2 * HeardPolkas.ballotsMax) {
            heard.take(try members.vote(0, .prevote, round, value))
        }
        #expect(heard.polkas.map(\.certificate.round) == [0, 3])
    }

    @Test("a machine shows the polka of its votes, also where no proposal came")
    func held() throws {
        let members = try Members([1, 1, 1, 1])
        var machine = members.machine(3)
        _ = machine.handle(.start)
        for index in 0..<3 { _ = machine.handle(try members.vote(index, .prevote, 0, members.value(1))) }
        let held = machine.heldPolkas
        #expect(held.map(\.round) == [0] && held.first?.value == members.value(1))
    }
}
