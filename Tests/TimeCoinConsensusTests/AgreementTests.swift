import Testing
import TimeCoinCore

@testable import TimeCoinConsensus

/// Four machines in one process under a seeded order of everything.
private struct World {
    let members: Members
    var machines: [ConsensusMachine]
    var generator: Seeded
    /// What is on its way: to whom, and what.
    var wires: [(to: Int, input: ConsensusInput)] = []
    var decisions: [Int: Hash256] = [:]
    let loss: Int

    init(_ members: Members, seed: UInt64, loss: Int) {
        self.members = members
        self.loss = loss
        generator = Seeded(seed)
        machines = (0..<4).map { members.machine($0, earlyEnd: true) }
    }

    mutating func feed(_ index: Int, _ input: ConsensusInput) throws {
        let effects = machines[index].handle(input)
        if let decision = effects.decision { decisions[index] = decision.value }
        for message in effects.toSign {
            let signed = try members.sign(message, by: index)
            for other in 0..<4 where other == index || Int.random(in: 0..<100, using: &generator) >= loss {
                wires.append((other, signed))
            }
        }
        for request in effects.requests {
            switch request {
            case .judge(let value): wires.append((index, .verdict(value, isValid: true)))
            case .build(let round):
                wires.append(
                    (index, .built(round: round, value: members.value(UInt8(index * 16) + UInt8(round % 16))))
                )
            }
        }
    }

    /// One step: a message, a timeout, or an exchange of what is held.
    mutating func step() throws {
        let dice = Int.random(in: 0..<100, using: &generator)
        if dice < 85, !wires.isEmpty {
            let (to, input) = wires.remove(at: Int.random(in: 0..<wires.count, using: &generator))
            try feed(to, input)
        } else if dice < 93 {
            let index = Int.random(in: 0..<4, using: &generator)
            if let timer = machines[index].timers.first { try feed(index, .elapsed(timer)) }
        } else {
            let (one, other) = (
                Int.random(in: 0..<4, using: &generator), Int.random(in: 0..<4, using: &generator)
            )
            let held = machines[one].held(beyond: machines[other].summary)
            if let certificate = held.roundCertificate {
                let verified = try VerifiedRoundCertificate(
                    certificate, validators: members.set, chain: members.chain)
                try feed(other, .roundCertificate(verified))
            }
            for vote in held.votes {
                if let verified = VerifiedVote(vote, validators: members.set, chain: members.chain) {
                    try feed(other, .vote(verified))
                }
            }
            for proposal in held.proposals {
                if let verified = VerifiedProposal(proposal, validators: members.set, chain: members.chain) {
                    try feed(other, .proposal(verified, isTimely: true))
                }
            }
            for certificate in held.certificates {
                let verified = try VerifiedCertificate(
                    certificate, validators: members.set, chain: members.chain)
                try feed(other, .certificate(verified))
            }
        }
    }
}

@Suite("Agreement")
struct AgreementTests {
    @Test(
        "K20: whatever the order, loss and timeouts, all decide the same", arguments: 0..<60 as Range<UInt64>)
    func agree(seed: UInt64) throws {
        let members = try Members([1, 1, 1, 1])
        var world = World(members, seed: seed, loss: Int(seed % 4) * 10)
        for index in 0..<4 { try world.feed(index, .start) }
        var steps = 0
        while world.decisions.count < 4, steps < 40_000 {
            try world.step()
            steps += 1
        }
        #expect(world.decisions.count == 4, "seed \(seed): undecided after \(steps) steps")
        #expect(Set(world.decisions.values).count == 1, "seed \(seed): \(world.decisions)")
    }
}
