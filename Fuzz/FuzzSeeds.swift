/// Valid bytes of every target, made by the code itself, so that they never fall behind it.
enum FuzzSeeds {
    static let all: [FuzzTarget: [[UInt8]]] = (make() ?? [:]).merging(forks()) { $1 }

    private static func make() -> [FuzzTarget: [[UInt8]]]? {
        guard let key = SigningKey(seed: [UInt8](repeating: 7, count: 32)), let amount = Amount(units: 250_000),
            let validators = try? ValidatorSet([Member(operatorKey: key.publicKey, weight: 3)]),
            let genesis = try? Genesis(
                parameters: .local(slotMilliseconds: 5000, paymentIntervalMilliseconds: 0),
                time: Timestamp(milliseconds: 1_000_000_000_000),
                members: [
                    Registry.Entry(
                        operatorKey: key.publicKey, weight: 3, payout: .keyHash(of: key.publicKey))
                ],
                allocations: [Genesis.Allocation(locking: .keyHash(of: key.publicKey), amount: amount)]),
            let created = genesis.change.created.first
        else { return nil }
        let chain = genesis.hash
        let unsigned = Transaction(
            inputs: [TransactionInput(previous: created.outPoint, unlocking: .empty)],
            outputs: [TransactionOutput(value: amount, locking: .keyHash(of: key.publicKey))])
        guard
            var signing = try? TransactionSigning(
                unsigned, spending: [.init(created.entry.output)], chain: chain)
        else { return nil }
        signing.sign(with: [key])
        let transaction = signing.transaction
        let vote = Vote(type: .precommit, height: 1, round: 0, value: chain)
        let signedVote = SignedVote(
            vote: vote, member: key.publicKey, signature: key.sign(vote.signedBytes(chain: chain)))
        let proposal = Proposal(height: 1, round: 2, value: chain, validRound: 1)
        let signedProposal = SignedProposal(
            proposal: proposal, proposer: key.publicKey,
            signature: key.sign(proposal.signedBytes(chain: chain)))
        guard let verified = VerifiedVote(signedVote, validators: validators, chain: chain),
            let certificate = Certificate(.commit, of: [verified], validators: validators),
            let path = MerkleTree.proof(of: 0, in: [transaction.txid])
        else { return nil }
        let header = genesis.state.header
        let finality = FinalityProof(header: header, certificate: certificate, validators: validators)
        let proof = TransactionProof(transaction: transaction, path: path, finality: finality)
        let forgetful = Vote(type: .prevote, height: 1, round: 1, value: header.hash)
        let evidence = Evidence(
            .amnesia(
                precommit: signedVote,
                prevote: SignedVote(
                    vote: forgetful, member: key.publicKey,
                    signature: key.sign(forgetful.signedBytes(chain: chain)))), validators: validators)
        let multisignature = Script.multisignature(required: 1, keys: [key.publicKey]) ?? .empty
        let unlocking = transaction.inputs[0].unlocking.bytes
        let locking = created.entry.output.locking.bytes
        let seeds: [FuzzTarget: [[UInt8]]] = [
            .transaction: [transaction.encoded, unsigned.encoded],
            .block: [Block(header: header, transactions: [transaction]).encoded],
            .header: [written { header.encode(into: &$0) }],
            .vote: [written { signedVote.encode(into: &$0) }],
            .proposal: [written { signedProposal.encode(into: &$0) }],
            .certificate: [certificate.encoded],
            .validatorSet: [written { validators.encode(into: &$0) }],
            .chainState: [genesis.state.encoded],
            .finalityProof: [finality.encoded], .transactionProof: [proof.encoded],
            .evidence: [evidence].compactMap { $0?.encoded },
            .outputEntry: [written { created.entry.encode(into: &$0) }],
            .script: [
                [UInt8(unlocking.count), 0xff] + unlocking + locking,
                [66, 0xff, 65] + [UInt8](repeating: 1, count: 65) + multisignature.bytes,
            ],
            .scriptText: [
                Array(ScriptText.disassemble(multisignature).utf8), Array("1 IF DUP ELSE 0x4c 0x01 0x07 ENDIF".utf8),
            ],
            .address: [
                Array(Address(of: key.publicKey).text(prefix: "time").utf8),
                Array(Address.scriptHash(chain).text(prefix: "time").utf8),
            ],
            .amount: [Array("21.00000001".utf8), Array("0".utf8)], .hexadecimal: [Array("00ffAB".utf8)],
        ]
        return seeds.merging(outputs(genesis, finality)) { $1 }
    }

    private static func written(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
        var writer = ByteWriter()
        body(&writer)
        return writer.bytes
    }
}
