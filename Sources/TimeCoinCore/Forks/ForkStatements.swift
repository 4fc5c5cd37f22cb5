/// A polka that would be needed to tell who is to blame for a fork, and is not here.
public struct WantedPolka: Hashable, Sendable, Comparable {
    public let round: Round
    public let value: Hash256

    public init(round: Round, value: Hash256) {
        self.round = round
        self.value = value
    }

    public static func < (left: WantedPolka, right: WantedPolka) -> Bool {
        (left.round, left.value) < (right.round, right.value)
    }
}

/// Two commit certificates of one height for different values, and polkas of it: all that is known of a fork.
///
/// Nobody is blamed for a certificate: a correct member may have moved its lock between the two. To blame is
/// only who made two statements that contradict each other by themselves, ``Misbehaviour``; so no polka,
/// whoever made it up or held it back, can put the blame on a correct member. What the rounds of the polkas
/// matter for is whether enough is known, and what is missing.
struct ForkStatements {
    /// The certificate of the lower round; in one round that of the lower value.
    let first: VerifiedCertificate
    let second: VerifiedCertificate
    /// In the order of ``Certificate/isBefore(_:)``.
    let polkas: [VerifiedCertificate]
    let validators: ValidatorSet
    private let precommits: [[VerifiedVote]]
    /// By member, in the order of the polkas: place of the polka, and the prevote in it.
    private let prevotes: [[(polka: Int, vote: VerifiedVote)]]

    /// `nil` unless the two are of one height and of different values.
    init?(
        _ one: VerifiedCertificate, _ other: VerifiedCertificate, polkas: [VerifiedCertificate],
        validators: ValidatorSet
    ) {
        guard one.certificate.kind == .commit, other.certificate.kind == .commit,
            one.certificate.height == other.certificate.height,
            one.certificate.value != other.certificate.value
        else { return nil }
        let isOrdered = one.certificate.isBefore(other.certificate)
        first = isOrdered ? one : other
        second = isOrdered ? other : one
        let height = one.certificate.height
        let lowest = first.certificate.round
        self.polkas =
            polkas.filter {
                $0.certificate.kind == .polka && $0.certificate.height == height
                    && $0.certificate.round >= lowest
            }
            .sorted { $0.certificate.isBefore($1.certificate) }
        self.validators = validators
        var precommits = [[VerifiedVote]](repeating: [], count: validators.members.count)
        for vote in first.votes + second.votes where precommits.indices.contains(vote.index) {
            precommits[vote.index].append(vote)
        }
        self.precommits = precommits
        var prevotes = [[(polka: Int, vote: VerifiedVote)]](repeating: [], count: validators.members.count)
        for (place, polka) in self.polkas.enumerated() {
            for vote in polka.votes where prevotes.indices.contains(vote.index) {
                prevotes[vote.index].append((place, vote))
            }
        }
        self.prevotes = prevotes
    }

    /// A member's contradictions, each with the polkas that show it: those that need none first, then by
    /// round.
    func contradictions(of member: Int) -> [(misbehaviour: Misbehaviour, polkas: [Int])] {
        var found: [(misbehaviour: Misbehaviour, polkas: [Int])] = []
        let own = precommits[member]
        if own.count == 2, own[0].vote.round == own[1].vote.round {
            found.append((.votes(own[0].signed, own[1].signed), []))
        }
        for precommit in own {
            for (place, prevote) in prevotes[member] where precommit.vote.forgets(prevote.vote) {
                found.append((.amnesia(precommit: precommit.signed, prevote: prevote.signed), [place]))
            }
        }
        for (index, (place, vote)) in prevotes[member].enumerated() {
            for (other, second) in prevotes[member].dropFirst(index + 1)
            where second.vote.round == vote.vote.round && second.vote != vote.vote {
                found.append((.votes(vote.signed, second.signed), [place, other]))
            }
        }
        return found
    }

    /// Places of the polkas of the first round after the first certificate's that has one for another value.
    var earliest: [Int] {
        let others = polkas.indices.filter {
            let polka = polkas[$0].certificate
            return polka.value != first.certificate.value && polka.round > first.certificate.round
                && polka.round <= second.certificate.round
        }
        guard let round = others.first.map({ polkas[$0].certificate.round }) else { return [] }
        return others.filter { polkas[$0].certificate.round == round }
    }

    /// What is missing before members with a third of the weight can be blamed; empty where nothing is.
    ///
    /// Two quorums have a third in common, so the members of the earlier certificate that stand in the first
    /// polka for another value after it weigh more than a third. Each of them prevoted there either against
    /// its own precommit, or naming a polka of that round or since. That polka is an earlier one to look at;
    /// if it is of the certificate's own round, then beside the polka of the certificate's value.
    var wanted: [WantedPolka] {
        guard first.certificate.round < second.certificate.round else { return [] }
        let (round, value) = (first.certificate.round, first.certificate.value)
        guard !earliest.isEmpty else {
            return [WantedPolka(round: second.certificate.round, value: second.certificate.value)]
        }
        var wanted: Set<WantedPolka> = []
        for polka in earliest.map({ polkas[$0] }) {
            for vote in polka.votes where precommits[vote.index].contains(where: { $0.vote.round == round }) {
                guard let named = vote.vote.validRound, named >= round else { continue }
                wanted.insert(WantedPolka(round: named, value: polka.certificate.value))
                if named == round { wanted.insert(WantedPolka(round: round, value: value)) }
            }
        }
        let known = Set(polkas.map { WantedPolka(round: $0.certificate.round, value: $0.certificate.value) })
        return wanted.subtracting(known).sorted()
    }
}

extension Certificate {
    /// The order in which a proof holds certificates: by round, then value, then bytes.
    func isBefore(_ other: Certificate) -> Bool {
        if round != other.round { return round < other.round }
        if value != other.value { return value < other.value }
        return encoded.lexicographicallyPrecedes(other.encoded)
    }
}
