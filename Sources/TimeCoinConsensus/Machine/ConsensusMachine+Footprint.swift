import TimeCoinCore

extension ConsensusMachine {
    /// Votes, proposals, certificates and verdicts that are held: what grows when members send much.
    package var footprint: Int {
        var count = verdicts.count + polkas.count + commits.count + blamed.count + unsigned.count
        for state in rounds {
            count += state.proposals.count
            count += state.prevotes.votes.count { $0 != nil } + state.precommits.votes.count { $0 != nil }
        }
        return count + futureVotes.count + futureProposals.count { $0 != nil }
    }
}
