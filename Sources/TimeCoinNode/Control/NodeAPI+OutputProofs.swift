import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

extension NodeAPI {
    /// The proof with its size and the time that it took.
    func outputProof(_ parameters: CallParameters) throws -> JSONValue {
        let outPoint = try outPoint(parameters)
        let (made, microseconds) = try NodeClock.timed {
            try store.snapshot { reader in
                let trusted = try trustedHeight(parameters, reader)
                let proof = try OutputProver(reader: reader).proof(of: outPoint, trusting: trusted)
                let anchor = try FinalityProver(reader: reader).anchor(at: trusted)
                return (proof: proof, bytes: proof.encoded, anchor: anchor)
            }
        }
        return .object([
            "proof": .string(Hexadecimal.encode(made.bytes)),
            "height": .integer(made.proof.finality.header.height),
            "unspent": .bool(!made.proof.claimsSpent),
            "trusted": FinalityProver.shown(made.anchor),
            "steps": .integer(made.proof.validatorPath.steps.count), "bytes": .integer(made.bytes.count),
            "microseconds": .integer(microseconds),
        ])
    }

    /// The height whose validators the reader of a proof trusts.
    private func trustedHeight(_ parameters: CallParameters, _ reader: any ChainReading) throws -> Height {
        let prover = FinalityProver(reader: reader)
        guard let height = try parameters.integer("from") else { return try prover.firstTrusted() }
        _ = try ChainQuery(reader: reader).header(at: try ChainQuery(reader: reader).height("\(height)"))
        return UInt64(height)
    }

    /// For whoever trusts the validators of an old height, in parts where they changed often.
    func validatorPath(_ parameters: CallParameters) throws -> JSONValue {
        try store.snapshot { reader in
            let prover = FinalityProver(reader: reader)
            let anchor = try prover.anchor(at: try trustedHeight(parameters, reader))
            let height = try ChainQuery(reader: reader).tip().height
            let (path, reached, isComplete) = try prover.path(from: anchor, to: height + 1)
            return .object([
                "path": .string(Hexadecimal.encode(path.encoded)), "trusted": FinalityProver.shown(anchor),
                "reached": FinalityProver.shown(reached), "steps": .integer(path.steps.count),
                "complete": .bool(isComplete),
            ])
        }
    }

    /// Against the validators that this node's own chain had where the proof begins.
    func verifyOutputProof(_ parameters: CallParameters) throws -> JSONValue {
        let bytes = try proofBytes(parameters)
        let (final, microseconds) = try NodeClock.timed {
            try verified { () throws -> FinalOutput in
                let proof = try OutputProof(decoding: bytes)
                let first = proof.validatorPath.steps.first ?? proof.finality
                return try proof.verify(against: try anchor(at: first.header.height))
            }
        }
        let (entry, locking) = (final.entry, final.entry.output.locking)
        return .object([
            "txid": .string(final.outPoint.transaction.description), "n": .integer(final.outPoint.index),
            "unspent": .bool(!final.isSpent), "height": .integer(final.height),
            "blockhash": .string(final.block.hash.description),
            "time": .integer(final.block.header.time.milliseconds),
            "value": .string(entry.output.value.description),
            "address": .optional(Address(lockingScript: locking)?.text(on: network)),
            "script": .string(Hexadecimal.encode(locking.bytes)),
            "created": .integer(entry.height), "position": .integer(entry.position),
            "bytes": .integer(bytes.count), "microseconds": .integer(microseconds),
        ])
    }
}

extension FinalityProver {
    /// What somebody without a node has to trust.
    static func shown(_ anchor: TrustAnchor) -> JSONValue {
        .object([
            "chain": .string(anchor.chain.description), "validators": .string(anchor.validators.description),
            "from": .integer(anchor.from),
        ])
    }
}
