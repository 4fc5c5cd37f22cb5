import CAllocationMeter
import Foundation
import Testing
import TimeCoinTesting

@testable import TimeCoinConsensus
@testable import TimeCoinCore
@testable import TimeCoinNode
@testable import TimeCoinStore

/// Bytes on the wire and on disk beyond those of the core: nodes of different versions speak to each other,
/// and a newer one opens what an older one wrote. `TIMECOIN_WRITE_VECTORS=1` writes the file anew; that it
/// differs is then a change of the protocol, or of a format on disk, which needs another number.
@Suite("Golden bytes of messages and of what is on disk")
struct GoldenFormTests {
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Vectors/golden-forms.json")

    /// Reads bytes of a form and writes them again.
    private typealias Rewriting = ([UInt8]) throws -> [UInt8]

    private struct Forms {
        var bytes: [String: [UInt8]] = [:]
        var rewriting: [String: Rewriting] = [:]

        mutating func add(_ name: String, _ bytes: [UInt8], _ rewrite: @escaping Rewriting) {
            self.bytes[name] = bytes
            rewriting[name] = rewrite
        }
    }

    private struct Signed {
        let world: World
        let block: ExecutedBlock
        let vote: SignedVote
        let proposal: SignedProposal
        let polka: Certificate
        let commit: Certificate
        let round: RoundCertificate

        init() throws {
            world = try World()
            let (state, chain) = (world.state, world.state.chain)
            block = try #require(
                try world.build(
                    [try world.admission(try world.payment(0))], at: state.dueTime(of: 1)))
            let value = block.block.hash
            let members = world.chain.members
            func votes(_ type: VoteType, _ validRound: Round?) throws -> [VerifiedVote] {
                try members.prefix(3).map { key in
                    let vote = Vote(type: type, height: 1, round: 2, value: value, validRound: validRound)
                    return try #require(
                        VerifiedVote(
                            SignedVote(
                                vote: vote, member: key.publicKey,
                                signature: key.sign(vote.signedBytes(chain: chain))),
                            validators: state.validators, chain: chain))
                }
            }
            let prevotes = try votes(.prevote, 1)
            vote = prevotes[0].signed
            polka = try #require(Certificate(.polka, of: prevotes, validators: state.validators))
            commit = try #require(
                Certificate(.commit, of: try votes(.precommit, nil), validators: state.validators))
            round = RoundCertificate(height: 1, round: 2, votes: prevotes.map(\.signed))
            let content = Proposal(height: 1, round: 2, value: value, validRound: 1)
            proposal = SignedProposal(
                proposal: content, proposer: members[1].publicKey,
                signature: members[1].sign(content.signedBytes(chain: chain)))
        }
    }

    private func addMessages(_ signed: Signed, to forms: inout Forms) throws {
        let state = signed.world.state
        let key = signed.world.chain.members[0]
        let block = signed.block.block
        let answer = PositionAnswer(
            key: key.publicKey, nonce: state.chain, highest: .vote(signed.vote), signedBy: key,
            chain: state.chain)
        let clock = ClockAnswer(
            nonce: .zero, clock: Timestamp(milliseconds: 1_000), signedBy: key, chain: state.chain)
        let item = EncodedCertifiedBlock(block: block.encoded, certificate: signed.commit.encoded)
        let messages: [(String, WireMessage)] = [
            (
                "status",
                .status(
                    NodeStatus(
                        tip: 7, tipHash: state.headerHash, clock: Timestamp(milliseconds: 1_000),
                        round: ConsensusMachine(on: state, own: nil).summary))
            ),
            ("proposal", .proposal(signed.proposal, CompactBlock(block))),
            ("proposal-alone", .proposal(signed.proposal, nil)), ("vote", .vote(signed.vote)),
            ("certificate", .certificate(signed.commit)), ("polka", .certificate(signed.polka)),
            ("round-certificate", .roundCertificate(signed.round)),
            ("value-request", .valueRequest(block.hash)), ("value", .value(block.encoded)),
            ("position-query", .positionQuery(key.publicKey, nonce: .zero)),
            ("position-answer", .positionAnswer(answer)),
            ("clock-query", .clockQuery(nonce: .zero)), ("clock-answer", .clockAnswer(clock)),
            ("transactions", .transactions(block.transactions.map(\.transaction.encoded))),
            ("block-request", .blockRequest(id: 3, start: 4, count: 5)),
            ("blocks", .blocks(id: 3, start: 1, items: [item.encoded])),
        ]
        for (name, message) in messages {
            let type = message.type
            forms.add("wire/\(type.rawValue)/\(name)", message.payload) {
                try WireMessage(type: type, payload: $0).payload
            }
        }
        #expect(Set(messages.map(\.1.type)) == Set(WireType.allCases))
    }

    private func addJournal(_ signed: Signed, to forms: inout Forms) {
        let value = signed.block.block.hash
        let records: [(String, TimeCoinConsensus.JournalRecord)] = [
            ("start", .start), ("proposal", .proposal(signed.proposal, isTimely: true)),
            ("vote", .vote(signed.vote)), ("certificate", .certificate(signed.commit)),
            ("round-certificate", .roundCertificate(signed.round)), ("built", .built(round: 2, value: value)),
            ("verdict", .verdict(value, isValid: true)),
            ("elapsed", .elapsed(Timeout(kind: .propose, round: 2))),
        ]
        func rewrite(_ bytes: [UInt8]) -> [UInt8] { JournalEntry(decoding: bytes)?.encoded ?? [] }
        for (name, record) in records {
            forms.add("journal/\(name)", JournalEntry.record(record).encoded, rewrite)
        }
        forms.add("journal/value", JournalEntry.value([1, 2, 3]).encoded, rewrite)
        let record = SignerRecord(
            position: SignerPosition(.vote(signed.vote.vote)), bytes: [1, 2, 3],
            signature: signed.vote.signature)
        forms.add("sign/record", record.encoded) { try SignerRecord(decoding: $0).encoded }
        let frame = Frame.encode(TimeCoinStore.JournalRecord(sequence: 5, height: 6, payload: [7, 8, 9]))
        forms.add("journal/frame", frame) { bytes in
            guard let header = Frame.header(bytes[..<Frame.headerBytes]) else { return [] }
            return Frame.encode(
                TimeCoinStore.JournalRecord(
                    sequence: header.sequence, height: header.height,
                    payload: Array(bytes[Frame.headerBytes...])))
        }
    }

    private func addStore(_ signed: Signed, to forms: inout Forms) throws {
        let world = signed.world
        try world.store.commit([
            BlockCommit(signed.block.block, change: signed.block.change, certificate: signed.commit.encoded)
        ])
        let tip = try #require(try world.store.snapshot { try $0.tip() })
        let before = try #require(try world.store.snapshot { try $0.undo(at: 1) })
        let commit = BlockCommit(
            signed.block.block, change: signed.block.change, certificate: signed.commit.encoded)
        let undo = UndoRecord(
            previousTip: before.previousTip, previousState: world.chain.genesis.state.encoded,
            undoing: commit, history: [.init(script: 5, index: 6)])
        forms.add("store/tip", tip.encoded) { bytes in
            try ByteReader.decode(bytes) { reader throws(DecodingFailure) in try ChainTip(from: &reader) }
                .encoded
        }
        forms.add("store/commitment", signed.block.change.state.commitment.keptBytes) { bytes in
            try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
                try OutputCommitment(keptIn: &reader)
            }.keptBytes
        }
        let header = HeaderRecord(hash: signed.block.block.hash, header: signed.block.block.header)
        forms.add("store/header", header.encoded) { try HeaderRecord(decoding: $0).encoded }
        forms.add("store/undo", undo.encoded) { try UndoRecord(decoding: $0).encoded }
        forms.add("store/state", signed.block.change.state.encoded) { try ChainState(decoding: $0).encoded }
        forms.add(
            "store/identity",
            ChainIdentity(chain: world.state.chain, instance: 7, addressIndex: true).encoded
        ) { try ChainIdentity(decoding: $0).encoded }
        try addOutputs(signed, commit, to: &forms)
        try addSnapshot(world, to: &forms)
    }

    private func addSnapshot(_ world: World, to forms: inout Forms) throws {
        let manifest = try world.store.snapshot { try SnapshotManifest(of: $0) }
        forms.add("snapshot/manifest", manifest.encoded) { try SnapshotManifest(decoding: $0).encoded }
        let snapshot = try VerifiedSnapshot(
            manifest, genesis: world.chain.genesis.state, trusting: .validators(manifest.header.validators))
        let segment = try world.store.snapshot { try SnapshotSegment(0, of: $0) }
        forms.add("snapshot/segment", segment.encoded) { bytes in
            try SnapshotSegment(decoding: bytes, of: snapshot, expecting: 0).encoded
        }
    }

    private func addOutputs(_ signed: Signed, _ commit: BlockCommit, to forms: inout Forms) throws {
        let (outPoint, entry) = try #require(signed.block.change.created.first)
        var writer = ByteWriter()
        OutputRecord.encode(outPoint, entry, into: &writer)
        forms.add("store/output", writer.bytes) { bytes in
            let record = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
                try OutputRecord(from: &reader, position: entry.position)
            }
            var again = ByteWriter()
            OutputRecord.encode(record.outPoint, record.entry, into: &again)
            return again.bytes
        }
        let transaction = CommittedTransaction(
            identifier: outPoint.transaction, firstPosition: 70_000, outputCount: 3, carriers: [1])
        let record = TransactionRecord(transaction, at: TransactionLocation(height: 300, index: 9))
        forms.add("store/transaction", record.encoded) { bytes in
            try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
                try TransactionRecord(from: &reader)
            }.encoded
        }
        let group = LeafGroup(commit.nodes.filter { $0.key.level == 0 }.map(\.hash))
        forms.add("store/leaves", group.encoded) { LeafGroup(decoding: $0)?.encoded ?? [] }
        let base = HistoryBase(headersFrom: 5, blocksFrom: 6)
        forms.add("store/base", base.encoded) { bytes in
            try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
                try HistoryBase(from: &reader)
            }.encoded
        }
    }

    private func forms() throws -> Forms {
        let signed = try Signed()
        var forms = Forms()
        try addMessages(signed, to: &forms)
        addJournal(signed, to: &forms)
        try addStore(signed, to: &forms)
        return forms
    }

    @Test("the golden bytes on the page of the storage format are those of the forms")
    func documented() throws {
        let found = try forms().bytes.mapValues { Hexadecimal.encode($0) }
        let page = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Docs/Storage-Format.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        var compared = 0
        for line in text.split(separator: "\n") {
            let cells = line.split(separator: "|").map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
            }
            guard cells.count == 2, cells[0].hasPrefix("store/"), cells[1].allSatisfy(\.isHexDigit) else {
                continue
            }
            #expect(found[cells[0]] == cells[1], "\(cells[0])")
            compared += 1
        }
        #expect(compared == 6)
        let frame = try #require(found["journal/frame"])
        #expect(text.contains("`\(frame)`"))
        for name in found.keys where name.hasPrefix("store/") || name.hasPrefix("snapshot/") {
            #expect(text.contains("`\(name)`"), "\(name)")
        }
    }

    @Test("S6: every form on the wire and on disk has the bytes that it always had, and old ones are read")
    func golden() throws {
        let forms = try forms()
        let found = forms.bytes.mapValues { Hexadecimal.encode($0) }
        if ProcessInfo.processInfo.environment["TIMECOIN_WRITE_VECTORS"] != nil {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try encoder.encode(found).write(to: Self.file)
        }
        let golden = try JSONDecoder().decode([String: String].self, from: try Data(contentsOf: Self.file))
        #expect(golden.count > 30)
        #expect(Set(golden.keys) == Set(found.keys))
        for (name, value) in golden.sorted(by: { $0.key < $1.key }) {
            #expect(found[name] == value, "\(name)")
            let bytes = try #require(Hexadecimal.decode(value), "\(name)")
            let rewriting = try #require(forms.rewriting[name], "\(name)")
            #expect(try rewriting(bytes) == bytes, "\(name)")
        }
    }

    @Test(
        "N3: every message and record of which any byte claims more allocates a small multiple of its bytes",
        .enabled(if: allocation_meter_works()))
    func allocations() throws {
        let forms = try forms()
        for (name, bytes) in forms.bytes {
            let rewriting = try #require(forms.rewriting[name])
            for place in stride(from: 0, to: min(bytes.count, 700), by: 2) {
                for claim in [[0xff], [0xfd, 0xff, 0xff], [0xfe, 0xff, 0xff, 0xff, 0xff]] as [[UInt8]] {
                    let changed = bytes[..<place] + claim + bytes[(place + 1)...]
                    let limit = 24 * changed.count + 16_384
                    // What the runtime sets up once, at the first use of something, is not there twice.
                    let peaks = (0..<2).lazy.map { _ in
                        allocation_meter_reset()
                        _ = try? rewriting(Array(changed))
                        return Int(allocation_meter_peak())
                    }
                    #expect(peaks.contains { $0 <= limit }, "\(name), byte \(place)")
                }
            }
        }
    }
}
