public import TimeCoinCore

extension ConsensusMachine {
    /// The polkas that this member can show of its height, by round: those that it keeps, and those among the
    /// votes that it has counted. To be kept where the height is over, for the case of a fork.
    public var heldPolkas: [Certificate] {
        var held = polkas
        for state in rounds where !held.contains(where: { $0.certificate.round == state.number }) {
            guard let value = state.prevotes.quorumValue(validators),
                let polka = VerifiedCertificate(
                    .polka, of: state.prevotes.votes(for: value), validators: validators)
            else { continue }
            held.append(polka)
        }
        return held.map(\.certificate).sorted { $0.round < $1.round }
    }
}
