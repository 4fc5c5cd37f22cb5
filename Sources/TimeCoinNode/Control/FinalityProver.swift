import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

/// Makes proofs that blocks are final, and the paths over changes of the validator set that lead to them,
/// from one view of the chain.
struct FinalityProver {
    let reader: any ChainReading

    private var query: ChainQuery { ChainQuery(reader: reader) }

    /// - Throws: ``RPCError`` `no-certificate` for genesis, `pruned` for what is no longer here; faults of
    ///   the store.
    func proof(at height: Height) throws -> FinalityProof {
        guard height > 0 else {
            throw RPCError(
                .notFound, "no-certificate", "genesis has no certificate: its hash is the chain's name")
        }
        let header = try query.header(at: height)
        guard let certificate = try query.certificate(at: height),
            let validators = try reader.validatorSet(header.validators)
        else { throw try query.pruned("the validators of the block at height \(height)") }
        return FinalityProof(header: header, certificate: certificate, validators: validators)
    }

    // MARK: - Trust

    /// Where a reader's trust begins unless he says otherwise: at genesis, or where the history here begins.
    func firstTrusted() throws -> Height { try reader.base().headersFrom }

    /// What a reader trusts who trusts the validators of a height of this chain.
    ///
    /// - Parameter height: above the tip, those that decide the next height.
    func anchor(at height: Height) throws -> TrustAnchor {
        guard let bytes = try reader.state() else {
            throw RPCError(.warmingUp, "warming-up", "the chain is not open yet")
        }
        let state = try ChainState(decoding: bytes)
        guard height <= state.height else {
            return TrustAnchor(
                chain: state.votingChain, validators: state.validators.hash, from: state.height + 1)
        }
        let known = max(height, try firstTrusted())
        return TrustAnchor(
            chain: state.votingChain, validators: try query.header(at: known).validators, from: known)
    }

    /// The changes of the set from a trusted height up to a block, as far as one path reaches.
    ///
    /// - Returns: the path, and the first height that it reaches: what follows it begins there. Equal to
    ///   `height` or below it when it leads to the set of the block.
    func path(
        from anchor: TrustAnchor, to height: Height
    ) throws -> (path: ValidatorPath, reached: TrustAnchor, isComplete: Bool) {
        let changes = try reader.setChanges(from: anchor.from, countMax: ValidatorPath.stepsMax + 1)
            .filter { $0 < height }
        let steps = try changes.prefix(ValidatorPath.stepsMax).map { try proof(at: $0) }
        guard let path = ValidatorPath(steps) else {
            throw StoreFailure(.corrupt, "\(steps.count) changes of the set, more than were asked for")
        }
        do throws(ProofRejection) {
            let reached = try path.verify(from: anchor)
            return (path, reached, changes.count <= ValidatorPath.stepsMax)
        } catch {
            // After a recovery, certificates from before it are of another voting chain.
            throw RPCError(
                .notFound, "no-path", "no path of validators leads here from height \(anchor.from): \(error)",
                hint: "trust the validators of a later height, after the last recovery from a fork")
        }
    }
}
