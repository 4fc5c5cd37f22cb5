import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

extension NodeAPI {
    /// What this node trusts: what a verifier without a node has to be told.
    func anchor() async -> TrustAnchor {
        await core.read { TrustAnchor(chain: $0.state.votingChain, validators: $0.state.validators.hash) }
    }

    func transactionProof(_ parameters: CallParameters) async throws -> JSONValue {
        guard let txid = parameters.string("txid").flatMap({ Hash256(hex: $0) }) else {
            throw RPCError(.invalidParameter, "bad-txid", "a transaction identifier is 64 hexadecimal digits")
        }
        let validators = await core.read { $0.state.validators }
        let proof = try store.snapshot { reader -> TransactionProof? in
            guard let location = try reader.location(of: txid) else { return nil }
            guard location.height > 0 else {
                throw RPCError(
                    .notFound, "no-certificate", "\(txid) stands in genesis, which has no certificate")
            }
            guard
                let bytes = try reader.block(at: location.height),
                let block = try? CheckedBlock(decoding: bytes),
                let finality = try finalityProof(at: location.height, validators, reader),
                let path = MerkleTree.proof(of: Int(location.index), in: block.transactions.map(\.txid))
            else { return nil }
            return TransactionProof(
                transaction: block.transactions[Int(location.index)].transaction, path: path,
                finality: finality)
        }
        guard let proof else {
            throw RPCError(
                .notFound, "not-final", "no final block has the transaction \(txid)",
                hint: "`gettransaction` tells whether it still waits")
        }
        return .string(Hexadecimal.encode(proof.encoded))
    }

    func verifyTransactionProof(_ parameters: CallParameters) async throws -> JSONValue {
        let bytes = try proofBytes(parameters)
        let anchor = await anchor()
        let final: FinalTransaction
        do throws(ProofRejection) {
            final = try TransactionProof(decoding: bytes).verify(against: anchor)
        } catch {
            throw RPCError(.verification, error.reason, error.description)
        }
        return .object([
            "txid": .string(final.txid.description), "blockhash": .string(final.block.hash.description),
            "height": .integer(final.block.header.height),
            "time": .integer(final.block.header.time.milliseconds),
            "transaction": Rendering(network: network).transaction(final.checked),
        ])
    }

    func finalityProof(_ parameters: CallParameters) async throws -> JSONValue {
        let validators = await core.read { $0.state.validators }
        let proof = try store.snapshot { reader in
            let height = try ChainQuery(reader: reader).height(parameters.token("block") ?? "")
            return try finalityProof(at: height, validators, reader)
        }
        guard let proof else {
            throw RPCError(
                .notFound, "no-certificate", "genesis has no certificate: its hash is the chain's name")
        }
        return .string(Hexadecimal.encode(proof.encoded))
    }

    func verifyFinalityProof(_ parameters: CallParameters) async throws -> JSONValue {
        let bytes = try proofBytes(parameters)
        let anchor = await anchor()
        let proof: FinalityProof
        let final: FinalHeader
        do throws(ProofRejection) {
            proof = try FinalityProof(decoding: bytes)
            final = try proof.verify(against: anchor)
        } catch {
            throw RPCError(.verification, error.reason, error.description)
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

    /// `nil` for genesis.
    private func finalityProof(
        at height: Height, _ validators: ValidatorSet, _ reader: any ChainReading
    ) throws -> FinalityProof? {
        guard let header = try reader.header(at: height), header.validators == validators.hash,
            let bytes = try reader.certificate(at: height), !bytes.isEmpty
        else { return nil }
        return FinalityProof(
            header: header, certificate: try Certificate(decoding: bytes), validators: validators)
    }

    func proofBytes(_ parameters: CallParameters) throws(RPCError) -> [UInt8] {
        guard let bytes = parameters.string("proof").flatMap(Hexadecimal.decode) else {
            throw RPCError(.deserialization, "bad-hex", "a proof is an even number of hexadecimal digits")
        }
        return bytes
    }
}
