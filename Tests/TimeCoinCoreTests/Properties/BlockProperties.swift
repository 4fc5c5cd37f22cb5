import Testing

@testable import TimeCoinCore

/// Random blocks, headers, certificates and proofs; well formed, on no chain.
private struct RandomBlocks {
    var generator: SeededGenerator
    let keys: [SigningKey]
    let chain = Blake2b.hash256(.block, [9])

    init(seed: UInt64) throws {
        generator = SeededGenerator(seed: seed)
        keys = try (1...7 as ClosedRange<UInt8>).map {
            try #require(SigningKey(seed: [UInt8](repeating: $0, count: 32)))
        }
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

    mutating func hash() -> Hash256 {
        Blake2b.hash256(.block, (0..<8).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    mutating func bytes(_ count: ClosedRange<Int>) -> [UInt8] {
        (0..<number(count)).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    mutating func transaction() throws -> CheckedTransaction {
        try CheckedTransaction(
            checking: Transaction(
                inputs: (0..<number(1...3)).map { _ in
                    TransactionInput(
                        previous: OutPoint(transaction: hash(), index: UInt32(number(0...9))),
                        unlocking: Script(bytes(0...40)), sequence: .max)
                },
                outputs: try (0..<number(1...3)).map { _ in
                    TransactionOutput(
                        value: try #require(Amount(units: UInt64(number(546...1_000_000)))),
                        locking: Script([0x51] + bytes(0...40)))
                }))
    }

    mutating func block() throws -> CheckedBlock {
        let isScheduled = number(0...1) == 0
        let (height, slot) = (UInt64(number(1...1_000_000)), UInt64(number(1...1000)))
        var list = try (0..<number(1...6)).map { _ in try transaction() }
        if isScheduled {
            let coinbase = Transaction(
                version: 1, kind: .coinbase, inputs: [], outputs: [],
                payload: CoinbasePayload(height: height, slot: slot).encoded)
            list.insert(try CheckedTransaction(checking: coinbase), at: 0)
        }
        let roots = BlockRoots(of: list)
        let header = BlockHeader(
            kind: isScheduled ? .scheduled : .payment, height: height, slot: slot, previous: hash(),
            time: Timestamp(milliseconds: UInt64(number(1...1_000_000_000))),
            transactionRoot: roots.transactions, witnessRoot: roots.witnesses, stateRoot: hash(),
            validators: hash(), nextValidators: hash(), evidenceRoot: BlockRoots.empty,
            attestationRoot: BlockRoots.empty, proposer: keys[number(0...6)].publicKey)
        return try CheckedBlock(header: header, transactions: list)
    }

    mutating func validators() throws -> ValidatorSet {
        try ValidatorSet(
            keys.prefix(number(1...7)).map {
                Member(operatorKey: $0.publicKey, weight: UInt64(number(1...20)))
            })
    }

    /// Votes of a random part of the set, in its order, and the certificate that somebody would pack of them
    /// who does not count weights.
    mutating func packed(
        _ kind: CertificateKind, _ value: Hash256, height: Height, _ set: ValidatorSet
    ) throws -> (votes: [VerifiedVote], certificate: Certificate) {
        let round = Round(number(0...3))
        var votes: [VerifiedVote] = []
        var bitmap = [UInt8](repeating: 0, count: (set.members.count + 7) / 8)
        for (place, member) in set.members.enumerated() where number(0...3) != 0 {
            let key = try #require(keys.first { $0.publicKey == member.operatorKey })
            let vote = Vote(
                type: kind == .commit ? .precommit : .prevote, height: height, round: round, value: value,
                validRound: kind == .polka && round > 0 && number(0...1) == 0 ? round - 1 : nil)
            let signed = SignedVote(
                vote: vote, member: key.publicKey, signature: key.sign(vote.signedBytes(chain: chain)))
            votes.append(try #require(VerifiedVote(signed, validators: set, chain: chain)))
            bitmap[place >> 3] |= 1 << UInt8(place & 7)
        }
        let certificate = Certificate(
            kind: kind, height: height, round: round, value: value, bitmap: bitmap,
            signatures: votes.map(\.signed.signature),
            validRounds: kind == .polka ? votes.map(\.vote.validRound) : [])
        return (votes, certificate)
    }

    mutating func quorum(
        _ kind: CertificateKind, _ value: Hash256, height: Height, _ set: ValidatorSet
    ) throws -> Certificate {
        while true {
            let (votes, certificate) = try packed(kind, value, height: height, set)
            if Certificate(kind, of: votes, validators: set) != nil { return certificate }
        }
    }
}

@Suite("Properties of blocks, certificates and proofs")
struct BlockProperties {
    @Test("random blocks and headers are read and written the same", arguments: [1, 2])
    func codec(seed: UInt64) throws {
        var random = try RandomBlocks(seed: seed)
        for _ in 0..<40 {
            let block = try random.block()
            let bytes = block.encoded
            #expect(block.size == bytes.count)
            let again = try CheckedBlock(decoding: bytes)
            #expect(again.hash == block.hash && again.transactions == block.transactions, "seed \(seed)")
            #expect(again.encoded == bytes, "seed \(seed)")
        }
    }

    @Test("bytes that are read are written back the same, whatever was changed in them", arguments: [3, 4])
    func canonical(seed: UInt64) throws {
        var random = try RandomBlocks(seed: seed)
        var read = 0
        for _ in 0..<600 {
            var bytes = try random.block().encoded
            for _ in 0..<random.number(1...3) {
                bytes[random.number(0...bytes.count - 1)] = UInt8(random.number(0...255))
            }
            guard let block = try? Block(decoding: bytes) else { continue }
            read += 1
            #expect(block.encoded == bytes, "seed \(seed)")
        }
        #expect(read > 200)
    }

    @Test("S6: every changed byte of a block is refused, or is a header of another name", arguments: [5, 6])
    func everyByteOfBlock(seed: UInt64) throws {
        var random = try RandomBlocks(seed: seed)
        for _ in 0..<3 {
            let block = try random.block()
            let bytes = block.encoded
            for index in bytes.indices {
                for flip in [0x01, 0x80, 0xff] as [UInt8] {
                    var changed = bytes
                    changed[index] ^= flip
                    guard let other = try? CheckedBlock(decoding: changed) else { continue }
                    #expect(index < BlockHeader.byteCount, "seed \(seed), byte \(index)")
                    #expect(other.hash != block.hash, "seed \(seed), byte \(index)")
                    #expect(other.transactions == block.transactions)
                }
            }
            for count in [0, 1, BlockHeader.byteCount, bytes.count - 1] {
                #expect(throws: BlockRejection(.malformed, "")) {
                    try CheckedBlock(decoding: Array(bytes.prefix(count)))
                }
            }
            #expect(throws: BlockRejection(.malformed, "")) { try CheckedBlock(decoding: bytes + [0]) }
        }
    }

    @Test("K17: a block that carries evidence or attestations, or names a root of some, is refused")
    func noEvidence() throws {
        var random = try RandomBlocks(seed: 7)
        let block = try random.block()
        let bytes = block.encoded
        for tail in [[1, 0], [0, 1], [1, 0, 0], [0, 1, 0], [1, 7, 0], [0xfd, 0, 0, 0]] as [[UInt8]] {
            #expect(throws: BlockRejection(.malformed, "")) {
                try CheckedBlock(decoding: bytes.dropLast(2) + tail)
            }
        }
        let header = block.header
        for (evidence, attestations, rule) in [
            (random.hash(), header.attestationRoot, BlockRejection.Rule.evidenceRoot),
            (Hash256.zero, header.attestationRoot, .evidenceRoot),
            (header.evidenceRoot, random.hash(), .attestationRoot),
        ] {
            #expect(throws: BlockRejection(rule, "")) {
                try CheckedBlock(
                    header: BlockHeader(
                        kind: header.kind, height: header.height, slot: header.slot,
                        previous: header.previous, time: header.time,
                        transactionRoot: header.transactionRoot, witnessRoot: header.witnessRoot,
                        stateRoot: header.stateRoot, validators: header.validators,
                        nextValidators: header.nextValidators, evidenceRoot: evidence,
                        attestationRoot: attestations, proposer: header.proposer),
                    transactions: block.transactions)
            }
        }
    }

    @Test("K7: who packs votes and who verifies them accept the same, whoever voted", arguments: [8, 9])
    func sameSet(seed: UInt64) throws {
        var random = try RandomBlocks(seed: seed)
        var outcomes: Set<Bool> = []
        for number in 0..<150 {
            let set = try random.validators()
            let kind: CertificateKind = number.isMultiple(of: 2) ? .commit : .polka
            let (votes, certificate) = try random.packed(kind, random.hash(), height: 5, set)
            let made = Certificate(kind, of: votes, validators: set)
            let verified = try? VerifiedCertificate(certificate, validators: set, chain: random.chain)
            #expect((made != nil) == (verified != nil), "seed \(seed), \(number)")
            if let made { #expect(made == certificate && verified?.votes == votes, "seed \(seed)") }
            outcomes.insert(made != nil)
            #expect(try Certificate(decoding: certificate.encoded) == certificate, "seed \(seed)")
        }
        #expect(outcomes.count == 2)
    }

    @Test("K7: every changed byte of a random commit or polka is refused", arguments: [10, 11])
    func everyByteOfCertificate(seed: UInt64) throws {
        var random = try RandomBlocks(seed: seed)
        for kind in [CertificateKind.commit, .polka] {
            let set = try random.validators()
            let certificate = try random.quorum(kind, random.hash(), height: 5, set)
            let bytes = certificate.encoded
            for index in bytes.indices {
                for flip in [0x01, 0x10, 0x80] as [UInt8] {
                    var changed = bytes
                    changed[index] ^= flip
                    guard let other = try? Certificate(decoding: changed) else { continue }
                    #expect(other.encoded == changed, "canonical only: seed \(seed), byte \(index)")
                    #expect(throws: CertificateRejection.self, "seed \(seed), \(kind), byte \(index)") {
                        try VerifiedCertificate(other, validators: set, chain: random.chain)
                    }
                }
            }
        }
    }

    @Test(
        "random proofs verify from bytes; every changed byte is refused, or is of an unlocking script only",
        arguments: [12, 13])
    func proofs(seed: UInt64) throws {
        var random = try RandomBlocks(seed: seed)
        let set = try random.validators()
        let draft = try random.block()
        let old = draft.header
        let header = BlockHeader(
            kind: old.kind, height: old.height, slot: old.slot, previous: old.previous, time: old.time,
            transactionRoot: old.transactionRoot, witnessRoot: old.witnessRoot, stateRoot: old.stateRoot,
            validators: set.hash, nextValidators: set.hash, evidenceRoot: old.evidenceRoot,
            attestationRoot: old.attestationRoot, proposer: set.members[0].operatorKey)
        let finality = FinalityProof(
            header: header,
            certificate: try random.quorum(.commit, header.hash, height: header.height, set),
            validators: set)
        let anchor = TrustAnchor(chain: random.chain, validators: set.hash)
        #expect(try FinalityProof(decoding: finality.encoded).verify(against: anchor).hash == header.hash)
        for index in finality.encoded.indices {
            var changed = finality.encoded
            changed[index] ^= 0x01
            #expect(throws: ProofRejection.self, "seed \(seed), byte \(index)") {
                try FinalityProof(decoding: changed).verify(against: anchor)
            }
        }
        let place = random.number(0...draft.transactions.count - 1)
        let path = try #require(MerkleTree.proof(of: place, in: draft.transactions.map(\.txid)))
        let checked = draft.transactions[place]
        let proof = TransactionProof(transaction: checked.transaction, path: path, finality: finality)
        let bytes = proof.encoded
        #expect(try TransactionProof(decoding: bytes).encoded == bytes)
        #expect(try TransactionProof(decoding: bytes).verify(against: anchor).txid == checked.txid)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x01
            guard let final = try? TransactionProof(decoding: changed).verify(against: anchor) else {
                continue
            }
            #expect(final.txid == checked.txid && final.checked.wtxid != checked.wtxid, "byte \(index)")
        }
    }

    @Test("K3, K16: any change of a set changes its hash, and the proposer is drawn from header data only")
    func sets() throws {
        var random = try RandomBlocks(seed: 14)
        let members = random.keys.map { Member(operatorKey: $0.publicKey, weight: 3) }
        let set = try ValidatorSet(members)
        var hashes: Set<Hash256> = [set.hash]
        for index in members.indices {
            var heavier = members
            heavier[index] = Member(operatorKey: members[index].operatorKey, weight: 4)
            hashes.insert(try ValidatorSet(heavier).hash)
            var fewer = members
            fewer.remove(at: index)
            hashes.insert(try ValidatorSet(fewer).hash)
            let stranger = try #require(SigningKey(seed: [UInt8](repeating: UInt8(50 + index), count: 32)))
            fewer.append(Member(operatorKey: stranger.publicKey, weight: 3))
            hashes.insert(try ValidatorSet(fewer).hash)
        }
        #expect(hashes.count == 1 + 3 * members.count)
        // In whatever order and by whatever way the set came, and however often it was asked before.
        for _ in 0..<50 {
            let other = try ValidatorSet(members.shuffled(using: &random.generator))
            var writer = ByteWriter()
            other.encode(into: &writer)
            let read = try ByteReader.decode(writer.bytes) { reader throws(DecodingFailure) in
                try ValidatorSet(from: &reader)
            }
            let (height, round, seed) = (
                UInt64(random.number(0...9999)), Round(random.number(0...20)), random.hash()
            )
            let expected = set.proposer(height: height, round: round, seed: seed)
            #expect(other.proposer(height: height, round: round, seed: seed) == expected)
            #expect(read.proposer(height: height, round: round, seed: seed) == expected)
            #expect(read.hash == set.hash)
        }
    }
}
