import TimeCoinConsensus
import TimeCoinCore

/// The report in a sentence, for an operator who asks why nothing happens.
extension ConsensusReport {
    /// Members named at most; the others are counted.
    private static let namesMax = 5
    /// Hexadecimal digits of a key that name a member.
    static let nameLength = 12

    var sentence: String {
        if let fault { return "This node has stopped at height \(status.height): \(fault)." }
        if let best {
            return "Height \(status.height): catching up with the others, who are at height \(best)."
        }
        let round = status.hasStarted ? ", round \(status.round)" : ""
        return (["Height \(status.height)\(round): \(cause)"] + remarks).joined(separator: "; ") + "."
    }

    private var cause: String {
        switch awaited {
        case .start:
            switch untilStart ?? 0 {
            case 0: "about to begin"
            case let left: "nothing to decide until a block is due in \(seconds(left))"
            }
        case .ownBlock:
            if isBuilding {
                "building the block that this node is to propose"
            } else if signing == .votes, !isClockOff, !isDiskLow {
                "this node is to propose, and nothing waits that could stand in a block"
            } else {
                "this node is to propose"
            }
        case .proposal: "waiting for the proposal of \(name(status.proposer))"
        case .block: "waiting for the block \(block) to arrive and to be executed"
        case .earlierPrevotes:
            "waiting for the prevotes of an earlier round that \(name(status.proposer)) goes by"
        case .prevotes: votes(.prevote)
        case .precommits: votes(.precommit)
        case .nothing: "decided; waiting for the block to be executed and written"
        }
    }

    private var block: String {
        (status.awaitedBlock ?? unseenBlock)
            .map { String($0.description.prefix(ConsensusReport.nameLength)) + "…" } ?? "voted for"
    }

    private func votes(_ type: VoteType) -> String {
        let count = status.count(type)
        let voted = status.voters.count { $0.word(type) != .missing }
        var text =
            "waiting for \(type)s: \(voted) of \(status.voters.count) members "
            + "(weight \(count.heard) of \(status.totalWeight)) have voted"
        let nothing = status.voters(saying: .nothing, type)
        if !nothing.isEmpty { text += "; voted nil \(names(nothing))" }
        let missing = status.voters(saying: .missing, type)
        if !missing.isEmpty { text += "; missing \(names(missing))" }
        let lacking = status.weightLacking(type)
        if lacking > 0 { text += "; with weight \(lacking) more the round can go on" }
        return text
    }

    /// What else is worth knowing: when the wait ends, how long it has lasted, and why this node is silent.
    private var remarks: [String] {
        var remarks: [String] = []
        if let timer = timers.min(by: { $0.left < $1.left }) {
            remarks.append("timeout in \(seconds(timer.left))")
        }
        if status.hasStarted { remarks.append("in this step for \(seconds(inStep))") }
        if isClockOff, own != nil {
            remarks.append(
                "this node's clock differs from the members': it proposes nothing and votes for no fresh "
                    + "block")
        }
        if isDiskLow { remarks.append("this node's disk is nearly full: it proposes nothing") }
        switch signing {
        case .votes: break
        case .observer: remarks.append("this node is no member and only watches")
        case .asking(let answered, let weight):
            remarks.append(
                "this node does not vote before members of weight \(status.quorumWeight) have told what they "
                    + "hold of its key: \(answered) of \(status.voters.count) (weight \(weight)) have, "
                    + "itself included")
        case .journalDamaged(let height):
            remarks.append("this node does not vote up to height \(height): its journal was damaged")
        case .stopped(let reason): remarks.append("this node does not vote: \(reason)")
        }
        return remarks
    }

    private func name(_ key: PublicKey) -> String {
        let name = String(key.description.prefix(ConsensusReport.nameLength)) + "…"
        return key == own ? name + " (this node)" : name
    }

    private func names(_ voters: [ConsensusStatus.Voter]) -> String {
        let named = voters.prefix(ConsensusReport.namesMax).map { name($0.key) }
        let rest = voters.count - named.count
        return named.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    /// In tenths, rounded down.
    private func seconds(_ milliseconds: UInt64) -> String {
        "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
    }
}
