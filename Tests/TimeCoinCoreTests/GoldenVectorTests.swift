import Foundation
import Testing

@testable import TimeCoinCore

/// Bytes and hashes that must never change: another implementation, or this one in ten years, has to find the
/// same. `TIMECOIN_WRITE_VECTORS=1` writes the file anew; that it differs is then a change of the protocol.
@Suite("Golden bytes")
struct GoldenVectorTests {
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Vectors/golden.json")

    private func key(_ byte: UInt8) throws -> SigningKey {
        try #require(SigningKey(seed: [UInt8](repeating: byte, count: 32)))
    }

    private func genesis(_ parameters: ChainParameters) throws -> Genesis {
        let keys = try (1...4).map { try key($0) }
        return try Genesis(
            parameters: parameters, time: Timestamp(milliseconds: 1_700_000_000_000),
            members: keys.enumerated().map { index, key in
                Registry.Entry(
                    operatorKey: key.publicKey, weight: UInt64(index + 1), payout: .keyHash(of: key.publicKey)
                )
            },
            allocations: [
                Genesis.Allocation(
                    locking: .keyHash(of: keys[0].publicKey),
                    amount: try #require(Amount(units: 100 * Amount.unitsPerTime)))
            ])
    }

    private func vectors() throws -> [String: String] {
        var vectors: [String: String] = [:]
        func hex(_ bytes: [UInt8]) -> String { Hexadecimal.encode(bytes) }
        for domain in HashDomain.allCases {
            vectors["hash/\(domain.name)"] = Blake2b.hash256(domain, Array("abc".utf8)).description
        }
        let (first, second) = (try key(1), try key(2))
        for prefix in ["time", "ttime", "rtime"] {
            vectors["address/\(prefix)/keyhash"] = Address(of: first.publicKey).text(prefix: prefix)
            vectors["address/\(prefix)/scripthash"] = Address.scriptHash(
                Blake2b.hash256(.scriptHash256, [1])
            ).text(prefix: prefix)
        }
        for parameters in [
            ChainParameters.local(slotMilliseconds: 5000, paymentIntervalMilliseconds: 0), .main, .test,
        ] {
            let genesis = try genesis(parameters)
            let name = parameters.network.rawValue
            vectors["genesis/\(name)/block"] = hex(genesis.block.encoded)
            vectors["genesis/\(name)/hash"] = genesis.hash.description
            vectors["genesis/\(name)/state"] = hex(genesis.state.encoded)
            vectors["genesis/\(name)/stateroot"] = genesis.state.roots.root.description
        }
        let genesis = try genesis(.local(slotMilliseconds: 5000, paymentIntervalMilliseconds: 0))
        let created = try #require(genesis.change.created.first)
        let multisignature = try #require(
            Script.multisignature(required: 2, keys: [first.publicKey, second.publicKey]))
        let outputs = [
            TransactionOutput(
                value: try #require(Amount(units: 123_456_789)), locking: .keyHash(of: second.publicKey)),
            TransactionOutput(value: try #require(Amount(units: 10_000)), locking: multisignature),
            TransactionOutput(
                value: try #require(Amount(units: 20_000)),
                locking: try #require(Script.scriptHash(of: multisignature))),
            TransactionOutput(value: .zero, locking: try #require(Script.dataCarrier([1, 2, 3]))),
        ]
        let unsigned = Transaction(
            inputs: [
                TransactionInput(previous: created.outPoint, unlocking: .empty, sequence: 0xffff_fffe)
            ], outputs: outputs, lockTime: 0)
        for byte in [1, 2, 3, 0x81, 0x82, 0x83] as [UInt8] {
            let type = try #require(SignatureHashType(byte: byte))
            vectors["sighash/\(byte)"] =
                SignatureHash(
                    transaction: unsigned, spending: [created.entry.output], chain: genesis.hash)?
                .message(input: 0, type: type)?.description
        }
        var signing = try TransactionSigning(
            unsigned, spending: [.init(created.entry.output)], chain: genesis.hash)
        signing.sign(with: [first])
        let checked = try CheckedTransaction(checking: signing.transaction)
        vectors["transaction/bytes"] = hex(checked.transaction.encoded)
        vectors["transaction/txid"] = checked.txid.description
        vectors["transaction/wtxid"] = checked.wtxid.description
        let vote = Vote(type: .prevote, height: 7, round: 2, value: checked.txid, validRound: 1)
        vectors["vote/signed-bytes"] = hex(vote.signedBytes(chain: genesis.hash))
        let proposal = Proposal(height: 7, round: 2, value: checked.txid, validRound: nil)
        vectors["proposal/signed-bytes"] = hex(proposal.signedBytes(chain: genesis.hash))
        let state = genesis.state
        vectors["validators/hash"] = state.validators.hash.description
        for round in 0..<8 as Range<Round> {
            vectors["proposer/height-1/round-\(round)"] =
                state.validators.proposer(height: 1, round: round, seed: state.seed).operatorKey.description
        }
        let votes = try (2...4).map { number -> VerifiedVote in
            let key = try key(UInt8(number))
            let vote = Vote(type: .precommit, height: 0, round: 0, value: genesis.hash)
            return try #require(
                VerifiedVote(
                    SignedVote(
                        vote: vote, member: key.publicKey,
                        signature: key.sign(vote.signedBytes(chain: genesis.hash))),
                    validators: state.validators, chain: genesis.hash))
        }
        let certificate = try #require(Certificate(.commit, of: votes, validators: state.validators))
        vectors["certificate/bytes"] = hex(certificate.encoded)
        try addFork(certificate, of: genesis, to: &vectors)
        let finality = FinalityProof(
            header: state.header, certificate: certificate, validators: state.validators)
        vectors["proof/finality"] = hex(finality.encoded)
        let path = try #require(MerkleTree.proof(of: 0, in: [checked.txid]))
        vectors["proof/transaction"] = hex(
            TransactionProof(transaction: checked.transaction, path: path, finality: finality).encoded)
        try addOutputs(genesis, finality, to: &vectors)
        return vectors
    }

    /// An output of genesis, and a path of one step to a set of other keys.
    private func addOutputs(
        _ genesis: Genesis, _ finality: FinalityProof, to vectors: inout [String: String]
    ) throws {
        let kept = KeptState()
        kept.apply(genesis.change)
        let created = try #require(genesis.change.created.first)
        let members = try (ProofMembers(1), ProofMembers(11))
        let step = try ProofChain().step(at: 5, from: members.0, to: members.1)
        let path = try #require(ValidatorPath([step]))
        vectors["proof/validator-path"] = Hexadecimal.encode(path.encoded)
        for (name, path) in [("output", ValidatorPath.empty), ("output-with-path", path)] {
            let proof = try OutputProof(
                of: created.outPoint, created.entry, in: genesis.state, nodes: kept, finality: finality,
                validatorPath: path)
            vectors["proof/\(name)"] = Hexadecimal.encode(proof.encoded)
        }
    }

    /// The last three of four members forget their precommits and decide again; the first remains.
    private func addFork(
        _ first: Certificate, of genesis: Genesis, to vectors: inout [String: String]
    ) throws {
        let (chain, validators) = (genesis.hash, genesis.state.validators)
        let keys = try (1...4).map { try key(UInt8($0)) }
        let value = Blake2b.hash256(.block, [1])
        func votes(_ type: VoteType, _ round: Round, _ value: Hash256) throws -> [VerifiedVote] {
            try keys.dropFirst().map { key in
                let vote = Vote(type: type, height: 0, round: round, value: value)
                let signed = SignedVote(
                    vote: vote, member: key.publicKey, signature: key.sign(vote.signedBytes(chain: chain)))
                return try #require(VerifiedVote(signed, validators: validators, chain: chain))
            }
        }
        let polka = try #require(
            VerifiedCertificate(.polka, of: try votes(.prevote, 1, value), validators: validators))
        let second = try #require(
            VerifiedCertificate(.commit, of: try votes(.precommit, 2, value), validators: validators))
        let proof = try #require(
            ForkProof(
                try VerifiedCertificate(first, validators: validators, chain: chain), second, polkas: [polka],
                validators: validators))
        vectors["fork/proof"] = Hexadecimal.encode(proof.encoded)
        vectors["fork/name"] = proof.name.description
        let fork = try proof.verify(against: TrustAnchor(chain: chain, validators: validators.hash))
        let vote = try #require(RecoveryVote(fork, branch: value, lastHeight: 0, lastHash: value))
        let signed = SignedRecoveryVote(
            vote: vote, member: keys[0].publicKey, signature: keys[0].sign(vote.signedBytes(chain: chain)))
        vectors["recovery/signed-bytes"] = Hexadecimal.encode(vote.signedBytes(chain: chain))
        vectors["recovery/vote"] = Hexadecimal.encode(signed.encoded)
        vectors["recovery/voting-chain"] = vote.votingChain(after: chain).description
        let certificate = try #require(RecoveryCertificate(fork, vote, votes: [signed]))
        vectors["recovery/certificate"] = Hexadecimal.encode(certificate.encoded)
    }

    @Test("S6: everything that goes into hashes and onto the wire has the bytes that it always had")
    func golden() throws {
        let found = try vectors()
        if ProcessInfo.processInfo.environment["TIMECOIN_WRITE_VECTORS"] != nil {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try encoder.encode(found).write(to: Self.file)
        }
        let golden = try JSONDecoder().decode([String: String].self, from: try Data(contentsOf: Self.file))
        #expect(golden.count > 60)
        #expect(Set(golden.keys) == Set(found.keys))
        for (name, value) in golden.sorted(by: { $0.key < $1.key }) {
            #expect(found[name] == value, "\(name)")
        }
    }
}
