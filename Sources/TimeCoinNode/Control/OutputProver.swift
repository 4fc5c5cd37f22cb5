import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

/// Makes proofs of outputs, as they are after the last block, from one view of the chain.
struct OutputProver {
    let reader: any ChainReading

    /// - Parameter trusted: the height whose validators the reader trusts; `nil` for the first one here.
    /// - Throws: ``RPCError`` `unknown-output` for what no block created, `no-certificate` at genesis,
    ///   `path-too-long` and `no-path` where the validators of the height do not lead here, `pruned` where
    ///   this node no longer has what the proof needs; faults of the store.
    func proof(of outPoint: OutPoint, trusting trusted: Height? = nil) throws -> OutputProof {
        guard let bytes = try reader.state() else {
            throw RPCError(.warmingUp, "warming-up", "the chain is not open yet")
        }
        let state = try ChainState(decoding: bytes)
        let entry = try entry(of: outPoint)
        let finality = try finality(of: state)
        let path = try path(to: state, from: trusted)
        do {
            return try OutputProof(
                of: outPoint, entry, in: state, nodes: reader, finality: finality, validatorPath: path)
        } catch CommitmentFailure.missingNode {
            throw OutputProver.pruned("the commitment around \(outPoint.text)")
        } catch let failure as CommitmentFailure {
            throw StoreFailure(.corrupt, "no proof of \(outPoint.text) can be made: \(failure)")
        }
    }

    private func finality(of state: ChainState) throws -> FinalityProof {
        // Genesis has none either.
        guard let bytes = try reader.certificate(at: state.height), !bytes.isEmpty,
            let validators = try reader.validatorSet(state.header.validators)
        else {
            throw RPCError(
                .notFound, "no-certificate", "the last block has no certificate of its validators here",
                hint: "ask again after the next block")
        }
        return FinalityProof(
            header: state.header, certificate: try Certificate(decoding: bytes), validators: validators)
    }

    private func path(to state: ChainState, from trusted: Height?) throws -> ValidatorPath {
        let prover = FinalityProver(reader: reader)
        let anchor = try prover.anchor(at: try trusted ?? prover.firstTrusted())
        let (path, reached, isComplete) = try prover.path(from: anchor, to: state.height)
        guard isComplete else {
            throw RPCError(
                .notFound, "path-too-long",
                "the validators changed more than \(ValidatorPath.stepsMax) times since height "
                    + "\(anchor.from)",
                hint: "`getvalidatorpath \(anchor.from)` leads to height \(reached.from): trust that one")
        }
        return path
    }

    /// From the unspent outputs, or for a spent one from the block that created it.
    private func entry(of outPoint: OutPoint) throws -> OutputEntry {
        if let entry = try reader.output(outPoint) { return entry }
        guard let location = try reader.location(of: outPoint.transaction) else {
            let first = try reader.base().blocksFrom
            guard first == 0 else {
                throw OutputProver.pruned("\(outPoint.text), if it was spent before height \(first)")
            }
            throw RPCError(
                .notFound, "unknown-output", "no final block has the transaction \(outPoint.transaction)",
                hint: "`gettransaction` tells whether it still waits")
        }
        guard let bytes = try reader.block(at: location.height) else {
            throw OutputProver.pruned("the block at height \(location.height)")
        }
        let block = try Block(decoding: bytes)
        guard let transaction = block.transactions.element(Int(location.index)),
            let output = transaction.outputs.element(Int(outPoint.index)), !output.locking.isDataCarrier
        else {
            throw RPCError(
                .notFound, "unknown-output",
                "transaction \(outPoint.transaction) has no spendable output \(outPoint.index)",
                hint: "`gettransaction` shows its outputs")
        }
        let header = block.header
        // An output's time is that of the block before; genesis stands for its own.
        let parent = header.height == 0 ? header : try reader.header(at: header.height - 1)
        guard let parent, let position = try reader.position(of: outPoint) else {
            throw OutputProver.pruned("the place of \(outPoint.text) in the commitment")
        }
        return OutputEntry(
            output: output, height: header.height, slot: header.slot, time: parent.time,
            kind: transaction.kind, position: position)
    }

    private static func pruned(_ what: String) -> RPCError {
        RPCError(.notFound, "pruned", "this node no longer has \(what)")
    }
}

extension OutPoint {
    fileprivate var text: String { "\(transaction):\(index)" }
}
