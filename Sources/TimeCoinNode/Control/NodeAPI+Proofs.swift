import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

extension NodeAPI {
    /// The validators that decided a height, which this node trusts for the height; see
    /// ``FinalityProver/anchor(at:)``.
    func anchor(at height: Height) throws -> TrustAnchor {
        try store.snapshot { try FinalityProver(reader: $0).anchor(at: height) }
    }

    /// What a verification gives, or why it fails as an answer.
    func verified<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let rejection as ProofRejection {
            throw RPCError(.verification, rejection.reason, rejection.description)
        }
    }

    func transactionProof(_ parameters: CallParameters) throws -> JSONValue {
        let txid = try txid(parameters)
        let proof = try store.snapshot { reader -> TransactionProof? in
            guard let location = try reader.location(of: txid) else { return nil }
            guard location.height > 0 else {
                throw RPCError(
                    .notFound, "no-certificate", "\(txid) stands in genesis, which has no certificate")
            }
            let block = try CheckedBlock(decoding: try ChainQuery(reader: reader).block(at: location.height))
            guard let checked = block.transactions.element(Int(location.index)),
                let path = MerkleTree.proof(of: Int(location.index), in: block.transactions.map(\.txid))
            else { throw StoreFailure(.corrupt, "block \(location.height) has no transaction \(txid)") }
            return TransactionProof(
                transaction: checked.transaction, path: path,
                finality: try FinalityProver(reader: reader).proof(at: location.height))
        }
        guard let proof else {
            throw RPCError(
                .notFound, "not-final", "no final block has the transaction \(txid)",
                hint: "`gettransaction` tells whether it still waits")
        }
        return .string(Hexadecimal.encode(proof.encoded))
    }

    func verifyTransactionProof(_ parameters: CallParameters) throws -> JSONValue {
        let bytes = try proofBytes(parameters)
        let final = try verified { () throws -> FinalTransaction in
            let proof = try TransactionProof(decoding: bytes)
            return try proof.verify(against: try anchor(at: proof.finality.header.height))
        }
        return .object([
            "txid": .string(final.txid.description), "blockhash": .string(final.block.hash.description),
            "height": .integer(final.block.header.height),
            "time": .integer(final.block.header.time.milliseconds),
            "transaction": Rendering(network: network).transaction(final.checked),
        ])
    }

    func finalityProof(_ parameters: CallParameters) throws -> JSONValue {
        let proof = try store.snapshot { reader in
            let height = try ChainQuery(reader: reader).height(parameters.token("block") ?? "")
            return try FinalityProver(reader: reader).proof(at: height)
        }
        return .string(Hexadecimal.encode(proof.encoded))
    }

    func verifyFinalityProof(_ parameters: CallParameters) throws -> JSONValue {
        let bytes = try proofBytes(parameters)
        let (proof, final) = try verified { () throws -> (FinalityProof, FinalHeader) in
            let proof = try FinalityProof(decoding: bytes)
            return (proof, try proof.verify(against: try anchor(at: proof.header.height)))
        }
        let signers = proof.certificate.signers.map { proof.validators.members[$0] }
        return .object(
            Rendering(network: network).header(final.header, hash: final.hash) + [
                JSONValue.Member(
                    "signers", .array(signers.map { .string($0.operatorKey.description) })),
                JSONValue.Member("weight", .integer(signers.reduce(UInt64(0)) { $0 + $1.weight })),
                JSONValue.Member("total", .integer(proof.validators.totalWeight)),
            ])
    }

    func proofBytes(_ parameters: CallParameters) throws(RPCError) -> [UInt8] {
        guard let bytes = parameters.string("proof").flatMap(Hexadecimal.decode) else {
            throw RPCError(.deserialization, "bad-hex", "a proof is an even number of hexadecimal digits")
        }
        return bytes
    }
}
