import Testing

@testable import TimeCoinCore

/// A header over a few transactions, signed by four members; nothing of it stands on a chain.
private struct SignedHeader {
    let chain = Blake2b.hash256(.block, [9])
    let keys: [SigningKey]
    let validators: ValidatorSet
    let transactions: [CheckedTransaction]
    let header: BlockHeader

    init(transactionCount: Int) throws {
        let keys = try (1...4).map { try #require(SigningKey(seed: [UInt8](repeating: $0, count: 32))) }
        validators = try ValidatorSet(keys.map { Member(operatorKey: $0.publicKey, weight: 1) })
        let amount = try #require(Amount(decimal: "2"))
        let receiver = Script.keyHash(of: keys[0].publicKey)
        self.keys = keys
        transactions = try (0..<transactionCount).map { number in
            try CheckedTransaction(
                checking: Transaction(
                    inputs: [
                        TransactionInput(
                            previous: OutPoint(
                                transaction: Blake2b.hash256(.block, [7]), index: UInt32(number)),
                            unlocking: Script([UInt8(1), UInt8(number)]))
                    ],
                    outputs: [
                        TransactionOutput(value: amount, locking: receiver),
                        TransactionOutput(value: amount, locking: .keyHash(of: keys[1].publicKey)),
                    ]))
        }
        let roots = BlockRoots(of: transactions)
        header = BlockHeader(
            kind: .payment, height: 12, slot: 3, previous: .zero, time: Timestamp(milliseconds: 5000),
            transactionRoot: roots.transactions, witnessRoot: roots.witnesses, stateRoot: .zero,
            validators: validators.hash, nextValidators: validators.hash, evidenceRoot: BlockRoots.empty,
            attestationRoot: BlockRoots.empty, proposer: keys[0].publicKey)
    }

    var anchor: TrustAnchor { TrustAnchor(chain: chain, validators: validators.hash) }

    func certificate(signers: Int, of value: Hash256? = nil, height: Height = 12) throws -> Certificate {
        let votes = keys.prefix(signers).compactMap { key -> VerifiedVote? in
            let vote = Vote(type: .precommit, height: height, round: 0, value: value ?? header.hash)
            return VerifiedVote(
                SignedVote(
                    vote: vote, member: key.publicKey, signature: key.sign(vote.signedBytes(chain: chain))),
                validators: validators, chain: chain)
        }
        return try #require(Certificate(.commit, of: votes, validators: validators))
    }

    func finality(signers: Int = 3) throws -> FinalityProof {
        FinalityProof(
            header: header, certificate: try certificate(signers: signers), validators: validators)
    }

    func proof(of index: Int) throws -> TransactionProof {
        let path = try #require(MerkleTree.proof(of: index, in: transactions.map(\.txid)))
        return TransactionProof(
            transaction: transactions[index].transaction, path: path, finality: try finality())
    }
}

@Suite("Proofs for somebody without a chain")
struct ProofTests {
    @Test("each transaction of a final block is proven from bytes alone", arguments: [1, 2, 5, 8])
    func everyTransaction(count: Int) throws {
        let signed = try SignedHeader(transactionCount: count)
        for index in 0..<count {
            let bytes = try signed.proof(of: index).encoded
            #expect(bytes.count <= TransactionProof.bytesMax)
            let final = try TransactionProof(decoding: bytes).verify(against: signed.anchor)
            #expect(final.txid == signed.transactions[index].txid)
            #expect(final.block.hash == signed.header.hash)
            #expect(final.amount(to: Address(of: signed.keys[0].publicKey))?.description == "2.00000000")
        }
    }

    @Test(
        "another chain, other validators, a foreign certificate, a stranger transaction: refused by name"
    )
    func refusals() throws {
        let signed = try SignedHeader(transactionCount: 3)
        let proof = try signed.proof(of: 1)
        let other = Blake2b.hash256(.block, [1])
        #expect(throws: ProofRejection.certificate(.badSignature)) {
            try proof.verify(against: TrustAnchor(chain: other, validators: signed.validators.hash))
        }
        #expect(throws: ProofRejection.otherValidators) {
            try proof.verify(against: TrustAnchor(chain: signed.chain, validators: other))
        }
        for certificate in [
            try signed.certificate(signers: 3, of: other), try signed.certificate(signers: 3, height: 13),
        ] {
            let foreign = FinalityProof(
                header: signed.header, certificate: certificate, validators: signed.validators)
            #expect(throws: ProofRejection.certificateOfAnother) {
                try foreign.verify(against: signed.anchor)
            }
        }
        let stranger = TransactionProof(
            transaction: signed.transactions[2].transaction, path: proof.path, finality: proof.finality)
        #expect(throws: ProofRejection.notInBlock) { try stranger.verify(against: signed.anchor) }
        #expect(throws: ProofRejection.unknownVersion(2)) { try TransactionProof(decoding: [2]) }
        #expect(throws: ProofRejection.malformed(DecodingFailure(reason: .truncated, offset: 0))) {
            try FinalityProof(decoding: [])
        }
    }

    @Test("a certificate of too little weight proves nothing")
    func tooFew() throws {
        let signed = try SignedHeader(transactionCount: 1)
        let full = try signed.certificate(signers: 3)
        let places = full.signers
        let few = Certificate(
            kind: .commit, height: full.height, round: full.round, value: full.value,
            bitmap: [places.dropLast().reduce(UInt8(0)) { $0 | 1 << UInt8($1) }],
            signatures: full.signatures.dropLast(), validRounds: [])
        let proof = FinalityProof(header: signed.header, certificate: few, validators: signed.validators)
        #expect(throws: ProofRejection.certificate(.tooLittleWeight)) {
            try proof.verify(against: signed.anchor)
        }
    }

    @Test("every changed byte refuses the proof, or only touches an unlocking script")
    func everyByte() throws {
        let signed = try SignedHeader(transactionCount: 3)
        let proof = try signed.proof(of: 1)
        let bytes = proof.encoded
        var accepted = 0
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x41
            guard let final = try? TransactionProof(decoding: changed).verify(against: signed.anchor)
            else { continue }
            #expect(final.txid == signed.transactions[1].txid, "byte \(index)")
            #expect(final.checked.wtxid != signed.transactions[1].wtxid, "byte \(index)")
            accepted += 1
        }
        // The two bytes of the unlocking script.
        #expect(accepted <= 2)
        for count in [0, 1, bytes.count / 2, bytes.count - 1] {
            #expect(throws: ProofRejection.self) {
                try TransactionProof(decoding: Array(bytes.prefix(count)))
            }
        }
        #expect(throws: ProofRejection.self) { try TransactionProof(decoding: bytes + [0]) }
    }
}
