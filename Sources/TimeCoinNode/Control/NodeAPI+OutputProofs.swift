import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

extension NodeAPI {
    /// The proof with its size and the time that it took.
    func outputProof(_ parameters: CallParameters) throws -> JSONValue {
        let outPoint = try outPoint(parameters)
        let (made, microseconds) = try NodeClock.timed {
            try store.snapshot { reader in
                let proof = try OutputProver(reader: reader).proof(of: outPoint)
                return (proof: proof, bytes: proof.encoded)
            }
        }
        return .object([
            "proof": .string(Hexadecimal.encode(made.bytes)),
            "height": .integer(made.proof.finality.header.height),
            "unspent": .bool(!made.proof.claimsSpent), "bytes": .integer(made.bytes.count),
            "microseconds": .integer(microseconds),
        ])
    }

    func verifyOutputProof(_ parameters: CallParameters) async throws -> JSONValue {
        let bytes = try proofBytes(parameters)
        let anchor = await anchor()
        let (result, microseconds) = NodeClock.timed {
            Result { () throws(ProofRejection) in try OutputProof(decoding: bytes).verify(against: anchor) }
        }
        let final: FinalOutput
        do {
            final = try result.get()
        } catch {
            throw RPCError(.verification, error.reason, error.description)
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
