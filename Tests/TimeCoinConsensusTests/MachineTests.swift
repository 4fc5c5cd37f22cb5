import Testing
import TimeCoinCore

@testable import TimeCoinConsensus

@Suite("The machine, rule by rule")
struct MachineTests {
    /// A member that is not the proposer of round 0, and the three others.
    private func setting() throws -> (members: Members, own: Int, others: [Int]) {
        let members = try Members([1, 1, 1, 1])
        let proposer = try members.proposer(0)
        let own = (proposer + 1) % 4
        return (members, own, (0..<4).filter { $0 != own })
    }

    private func said(_ effects: ConsensusEffects) -> [String] {
        effects.toSign.map {
            switch $0 {
            case .proposal: "proposal"
            case .vote(let vote): "\(vote.type) \(vote.value == nil ? "nil" : "value")"
            }
        }
    }

    @Test("proposal, prevotes, precommits, decision")
    func decides() throws {
        let (members, own, others) = try setting()
        var machine = members.machine(own)
        let value = members.value(1)
        #expect(machine.handle(.start).timers == [Timeout(kind: .propose, round: 0)])
        #expect(machine.handle(try members.proposal(0, value)).requests == [.judge(value)])
        let prevote = machine.handle(.verdict(value, isValid: true))
        #expect(said(prevote) == ["prevote value"])
        _ = machine.handle(try members.sign(prevote.toSign[0], by: own))
        #expect(said(machine.handle(try members.vote(others[0], .prevote, 0, value))) == [])
        let precommit = machine.handle(try members.vote(others[1], .prevote, 0, value))
        #expect(said(precommit) == ["precommit value"])
        #expect(machine.locked?.value == value && machine.valid?.round == 0)
        _ = machine.handle(try members.sign(precommit.toSign[0], by: own))
        _ = machine.handle(try members.vote(others[0], .precommit, 0, value))
        let decision = machine.handle(try members.vote(others[1], .precommit, 0, value)).decision
        #expect(decision?.value == value)
        let certificate = try #require(decision?.certificate.certificate)
        _ = try VerifiedCertificate(certificate, validators: members.set, chain: members.chain)
    }

    @Test("an invalid value and a late one are prevoted nil")
    func prevotesNil() throws {
        let (members, own, _) = try setting()
        var machine = members.machine(own)
        _ = machine.handle(.start)
        _ = machine.handle(try members.proposal(0, members.value(1)))
        #expect(said(machine.handle(.verdict(members.value(1), isValid: false))) == ["prevote nil"])
        var other = members.machine(own)
        _ = other.handle(.start)
        guard case .proposal(let late, _) = try members.proposal(0, members.value(1)) else { return }
        #expect(said(other.handle(.proposal(late, isTimely: false))) == ["prevote nil"])
    }

    @Test("K10: a lock keeps a conflicting value from the next round, unless a newer polka justifies it")
    func lockHolds() throws {
        let (members, own, others) = try setting()
        var machine = members.machine(own)
        let (first, second) = (members.value(1), members.value(2))
        _ = machine.handle(.start)
        _ = machine.handle(try members.proposal(0, first))
        _ = machine.handle(.verdict(first, isValid: true))
        for other in others.prefix(3) { _ = machine.handle(try members.vote(other, .prevote, 0, first)) }
        #expect(machine.locked?.value == first)
        for other in others { _ = machine.handle(try members.vote(other, .precommit, 0, nil)) }
        _ = machine.handle(.elapsed(Timeout(kind: .precommit, round: 0)))
        #expect(machine.round == 1)
        guard try members.proposer(1) != own else { return }
        _ = machine.handle(try members.proposal(1, second))
        let answer = machine.handle(.verdict(second, isValid: true))
        #expect(machine.locked?.value == first)
        #expect(!said(answer).contains("prevote value"))
    }

    @Test("K9: stale timers do nothing")
    func staleTimers() throws {
        let (members, own, others) = try setting()
        var machine = members.machine(own)
        _ = machine.handle(.start)
        for other in others.prefix(2) { _ = machine.handle(try members.vote(other, .prevote, 1, nil)) }
        #expect(machine.round == 1, "L55: more than a third in a higher round")
        let before = machine
        let effects = machine.handle(.elapsed(Timeout(kind: .propose, round: 0)))
        #expect(effects.refusal == .staleTimeout)
        #expect(machine == before)
    }

    @Test("K11: a refused input leaves the machine equal")
    func refusalsChangeNothing() throws {
        let (members, own, others) = try setting()
        var machine = members.machine(own)
        _ = machine.handle(.start)
        _ = machine.handle(try members.vote(others[0], .prevote, 0, nil))
        _ = machine.handle(try members.proposal(5, members.value(1)))
        let before = machine
        for input in [
            try members.vote(others[0], .prevote, 0, nil), .start,
            try members.proposal(5, members.value(1)), try members.proposal(5, members.value(2)),
            .elapsed(Timeout(kind: .precommit, round: 7)), .built(round: 3, value: members.value(5)),
        ] {
            #expect(machine.handle(input).refusal != nil)
            #expect(machine == before)
        }
    }

    @Test("K11: whatever is of another height is refused, and leaves the machine equal")
    func otherHeight() throws {
        let members = try Members([1, 1, 1, 1])
        var machine = ConsensusMachine(
            height: 2, validators: members.set, seed: members.seed, chain: members.chain, own: nil,
            parameters: ConsensusParameters(propose: 300, prevote: 100, precommit: 100, increment: 50))
        let before = machine
        func votes(_ type: VoteType) throws -> [VerifiedVote] {
            try (0..<3).compactMap {
                if case .vote(let vote) = try members.vote($0, type, 3, members.value(1)) {
                    vote
                } else {
                    nil
                }
            }
        }
        let round = try #require(
            VerifiedRoundCertificate(
                justifying: 3, at: 1, by: try votes(.prevote), validators: members.set))
        let inputs: [ConsensusInput] = [
            .roundCertificate(round), try members.vote(0, .prevote, 3, nil),
            try members.proposal(0, members.value(1)),
            .certificate(
                try #require(
                    VerifiedCertificate(.polka, of: try votes(.prevote), validators: members.set))),
            .certificate(
                try #require(
                    VerifiedCertificate(.commit, of: try votes(.precommit), validators: members.set))),
        ]
        for input in inputs {
            #expect(machine.handle(input).refusal == .otherHeight)
            #expect(machine == before)
        }
    }

    @Test("K17: a second vote at one position is evidence once, and changes no tally")
    func doubleVote() throws {
        let (members, own, others) = try setting()
        var machine = members.machine(own)
        _ = machine.handle(.start)
        _ = machine.handle(try members.vote(others[0], .prevote, 0, members.value(1)))
        let caught = machine.handle(try members.vote(others[0], .prevote, 0, members.value(2)))
        #expect(caught.misbehaviour.count == 1)
        #expect(machine.handle(try members.vote(others[0], .prevote, 0, nil)).misbehaviour.isEmpty)
    }

    @Test("K17: who contradicts itself in many rounds is blamed a few times, and hides nobody else")
    func blamesOfEach() throws {
        let (members, own, others) = try setting()
        var machine = members.machine(own)
        _ = machine.handle(.start)
        var found = 0
        for round in 1...40 as ClosedRange<Round> {
            found += machine.handle(try members.vote(others[0], .prevote, round, nil)).misbehaviour.count
            let second = try members.vote(others[0], .prevote, round, members.value(1))
            found += machine.handle(second).misbehaviour.count
        }
        #expect(found == ConsensusMachine.blamesPerMember)
        _ = machine.handle(try members.vote(others[1], .prevote, 0, nil))
        let other = machine.handle(try members.vote(others[1], .prevote, 0, members.value(1)))
        #expect(other.misbehaviour.count == 1)
    }

    @Test("K15: a polka that would not be kept is refused, however often it comes")
    func oldPolka() throws {
        let (members, own, others) = try setting()
        func polka(_ round: Round) throws -> ConsensusInput {
            let votes = try others.map { try members.vote($0, .prevote, round, members.value(1)) }
                .compactMap { if case .vote(let vote) = $0 { vote } else { nil } }
            return .certificate(
                try #require(VerifiedCertificate(.polka, of: votes, validators: members.set)))
        }
        var machine = members.machine(own)
        for round in 1...5 as ClosedRange<Round> {
            #expect(machine.handle(try polka(round)).refusal == nil)
        }
        let before = machine
        #expect(machine.handle(try polka(1)).refusal == .oldRound)
        #expect(machine == before)
    }

    @Test("K15: in the last round there is, whoever brought it up, nothing is counted beyond it")
    func lastRound() throws {
        let (members, own, others) = try setting()
        var machine = members.machine(own)
        _ = machine.handle(.start)
        for member in others { _ = machine.handle(try members.vote(member, .precommit, .max, nil)) }
        #expect(machine.round == .max)
        let timeout = Timeout(kind: .precommit, round: .max)
        #expect(machine.timers.contains(timeout))
        #expect(machine.handle(.elapsed(timeout)).refusal == nil)
        #expect(machine.round == .max)
    }

    @Test("K15: one member in a million rounds opens none of them")
    func memoryIsBounded() throws {
        let (members, own, others) = try setting()
        var machine = members.machine(own)
        _ = machine.handle(.start)
        for round in stride(from: Round(1), to: 1_000_000, by: 9973) {
            _ = machine.handle(try members.vote(others[0], .prevote, round, nil))
        }
        #expect(machine.round == 0)
        #expect(machine.rounds.count == 1)
    }

    @Test("a commit certificate decides as soon as its value is known to be valid")
    func certificateDecides() throws {
        let (members, own, others) = try setting()
        let value = members.value(1)
        let votes = try others.map { try members.vote($0, .precommit, 4, value) }.compactMap { input in
            if case .vote(let vote) = input { vote } else { nil }
        }
        let commit = try #require(VerifiedCertificate(.commit, of: votes, validators: members.set))
        var machine = members.machine(own)
        #expect(machine.handle(.certificate(commit)).requests == [.judge(value)])
        #expect(machine.handle(.verdict(value, isValid: true)).decision?.round == 4)
    }

    @Test("K10: replaying every prefix of the journal gives the machine of that moment")
    func replay() throws {
        let (members, own, others) = try setting()
        var machine = members.machine(own)
        var moments: [(records: [JournalRecord], machine: ConsensusMachine)] = [([], machine)]
        var records: [JournalRecord] = []
        let value = members.value(1)
        var inputs: [ConsensusInput] = [
            .start, try members.proposal(0, value), .verdict(value, isValid: true),
        ]
        inputs += try others.map { try members.vote($0, .prevote, 0, value) }
        inputs += try others.prefix(2).map { try members.vote($0, .precommit, 0, nil) }
        for input in inputs {
            let effects = machine.handle(input)
            records += effects.records
            moments.append((records, machine))
        }
        for moment in moments {
            var again = members.machine(own)
            for record in moment.records {
                let decoded = try JournalRecord(decoding: record.encoded)
                _ = again.handle(try #require(decoded.input(validators: members.set, chain: members.chain)))
            }
            #expect(again == moment.machine)
            #expect(again.outstanding == moment.machine.outstanding)
        }
    }

    @Test("K14: nothing is signed twice at one position, and nothing behind the last")
    func signer() throws {
        var positions = SignerPositions()
        let key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32)))
        let position = SignerPosition(height: 5, round: 1, kind: .prevote)
        #expect(positions.answer(position, bytes: [1]) == .sign)
        let record = SignerRecord(position: position, bytes: [1], signature: key.sign([1]))
        positions.note(try SignerRecord(decoding: record.encoded))
        #expect(positions.answer(position, bytes: [1]) == .reuse(key.sign([1])))
        #expect(positions.answer(position, bytes: [2]) == .refuse)
        #expect(positions.answer(SignerPosition(height: 5, round: 1, kind: .proposal), bytes: [3]) == .refuse)
        #expect(
            positions.answer(SignerPosition(height: 4, round: 9, kind: .precommit), bytes: [3]) == .refuse)
        #expect(positions.answer(SignerPosition(height: 5, round: 1, kind: .precommit), bytes: [3]) == .sign)
    }

    @Test("after a start the gate opens with two thirds, and closes for good on a later position")
    func gate() throws {
        let members = try Members([1, 1, 1, 1])
        let keys = members.set.members.map(\.operatorKey)
        let secret = try #require(members.keys.first { $0.publicKey == keys[0] })
        func signed(_ height: Height, _ type: VoteType, _ value: UInt8) -> SignedPosition {
            let vote = Vote(type: type, height: height, round: 0, value: members.value(value))
            let bytes = vote.signedBytes(chain: members.chain)
            return .vote(SignedVote(vote: vote, member: keys[0], signature: secret.sign(bytes)))
        }
        let last = signed(5, .precommit, 1)
        var record = SignerPositions()
        guard case .vote(let vote) = last else { return }
        record.note(
            SignerRecord(
                position: last.position, bytes: vote.vote.signedBytes(chain: members.chain),
                signature: vote.signature))
        func gate() -> SigningGate {
            SigningGate(own: keys[0], record: record, validators: members.set, chain: members.chain)
        }
        var good = gate()
        // A stranger opens nothing and stops nobody.
        let stranger = try #require(SigningKey(seed: [UInt8](repeating: 99, count: 32))).publicKey
        good.answer(from: stranger, highest: signed(6, .prevote, 1))
        #expect(good.state == .asking)
        good.answer(from: keys[1], highest: last)
        good.answer(from: keys[1], highest: last)
        #expect(good.state == .asking)
        good.answer(from: keys[2], highest: nil)
        #expect(good.state == .open)
        // A later message, and another one at the last position: neither was made with this record.
        for foreign in [signed(6, .prevote, 1), signed(5, .precommit, 2)] {
            var stale = gate()
            stale.answer(from: keys[1], highest: foreign)
            stale.answer(from: keys[2], highest: nil)
            stale.answer(from: keys[3], highest: nil)
            #expect(stale.state == .contradicted(foreign.position, by: keys[1]))
        }
        let alone = try Members([1])
        let own = alone.keys[0].publicKey
        let single = SigningGate(
            own: own, record: SignerPositions(), validators: alone.set, chain: alone.chain)
        #expect(single.state == .open)
    }

    @Test("an answer is worth nothing without the signed message that it speaks of")
    func answerNeedsWitness() throws {
        let members = try Members([1, 1, 1, 1])
        let (asker, liar) = (members.keys[0], members.keys[1])
        let nonce = Blake2b.hash256(.position, [1])
        let vote = Vote(type: .precommit, height: 1 << 40, round: 0, value: members.value(1))
        let bytes = vote.signedBytes(chain: members.chain)
        func answer(_ signer: SigningKey, naming member: PublicKey) -> PositionAnswer {
            PositionAnswer(
                key: asker.publicKey, nonce: nonce,
                highest: .vote(SignedVote(vote: vote, member: member, signature: signer.sign(bytes))),
                signedBy: liar, chain: members.chain)
        }
        func isBelieved(_ answer: PositionAnswer) -> Bool {
            answer.verifies(
                key: asker.publicKey, nonce: nonce, validators: members.set, chain: members.chain)
        }
        #expect(isBelieved(answer(asker, naming: asker.publicKey)))
        #expect(!isBelieved(answer(liar, naming: asker.publicKey)))
        #expect(!isBelieved(answer(liar, naming: liar.publicKey)))
    }
}

@Suite("Members that drift apart")
struct RoundCertificateTests {
    @Test("the same vote of another member is not the own one: it stays to be signed")
    func ownVoteStaysOutstanding() throws {
        let members = try Members([1, 1, 1, 1])
        let own = (try members.proposer(0) + 1) % 4
        let others = (0..<4).filter { $0 != own }
        let value = members.value(1)
        var machine = members.machine(own)
        _ = machine.handle(.start)
        _ = machine.handle(try members.proposal(0, value))
        let prevote = machine.handle(.verdict(value, isValid: true)).toSign
        // After a restart the signature waits for the gate, while the others' votes come in.
        _ = machine.handle(try members.vote(others[0], .prevote, 0, value))
        #expect(machine.outstanding == prevote && prevote.count == 1)
        _ = machine.handle(try members.sign(prevote[0], by: own))
        #expect(machine.outstanding.isEmpty)
    }

    @Test("three members in three rounds, each alone there, find together")
    func threeRounds() throws {
        let members = try Members([1, 1, 1, 1])
        var ahead = members.machine(0)
        _ = ahead.handle(.start)
        // Rounds 0 and 1 end with precommits that the other two never heard.
        for round in Round(0)..<2 {
            for other in 1..<4 { _ = ahead.handle(try members.vote(other, .precommit, round, nil)) }
            _ = ahead.handle(.elapsed(Timeout(kind: .precommit, round: round)))
        }
        #expect(ahead.round == 2)
        for index in 1..<3 {
            var behind = members.machine(index)
            _ = behind.handle(.start)
            let held = try #require(ahead.held(beyond: behind.summary).roundCertificate)
            let verified = try VerifiedRoundCertificate(held, validators: members.set, chain: members.chain)
            #expect(behind.handle(.roundCertificate(verified)).toJustify == held)
            #expect(behind.round == 2)
            #expect(behind.handle(.roundCertificate(verified)).refusal == .oldRound)
        }
    }

    @Test("K8: a round certificate is refused whole for any doubled or wrong signer, or too little weight")
    func refusals() throws {
        let members = try Members([1, 1, 1, 3])
        func signed(_ index: Int, _ type: VoteType, _ round: Round) throws -> SignedVote {
            guard case .vote(let vote) = try members.vote(index, type, round, nil) else {
                throw RoundCertificateRejection.badSignature
            }
            return vote.signed
        }
        func verdict(_ votes: [SignedVote], round: Round = 3) -> RoundCertificateRejection? {
            do {
                _ = try VerifiedRoundCertificate(
                    RoundCertificate(height: 1, round: round, votes: votes), validators: members.set,
                    chain: members.chain)
                return nil
            } catch { return error }
        }
        let mixed = [try signed(0, .prevote, 3), try signed(1, .precommit, 3)]
        #expect(verdict(mixed) == .tooLittleWeight, "exactly a third is not more than a third")
        #expect(verdict(mixed + [try signed(2, .prevote, 3)]) == nil)
        #expect(verdict([mixed[0], mixed[0], mixed[1]]) == .doubledSigner)
        #expect(verdict(mixed + [try signed(3, .precommit, 2)]) == .mixedVotes)
        let ending = [try signed(3, .precommit, 2), try signed(0, .precommit, 2)]
        #expect(verdict(ending) == .tooLittleWeight, "two thirds are not more than two thirds")
        #expect(verdict(ending + [try signed(1, .precommit, 2)]) == nil)
        #expect(verdict(ending + [try signed(1, .prevote, 2)]) == .mixedVotes)
        #expect(verdict(ending, round: 4) == .mixedVotes)
        let stolen = SignedVote(
            vote: mixed[0].vote, member: members.keys[3].publicKey, signature: mixed[0].signature)
        #expect(verdict([stolen]) == .badSignature)
    }
}
