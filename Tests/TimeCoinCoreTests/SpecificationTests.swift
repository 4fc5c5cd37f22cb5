import Foundation
import Testing

@testable import TimeCoinCore

/// The pages of the specification and the names of the code say the same.
@Suite("Specification")
struct SpecificationTests {
    private static let pages = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Docs/Protocol")

    private func page(_ name: String) throws -> String {
        try String(contentsOf: Self.pages.appendingPathComponent("\(name).md"), encoding: .utf8)
    }

    /// The rows of a page whose first cell is one letter and a number, as rule and rejection names.
    private func rules(_ page: String, _ letter: Character) throws -> [(rule: String, names: [String])] {
        try self.page(page).split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 4, cells[0].first == letter, Int(cells[0].dropFirst()) != nil else {
                return nil
            }
            return (cells[0], [cells[2].trimmingCharacters(in: CharacterSet(charactersIn: "`"))])
        }
    }

    @Test("every rule has a number in sequence, and names a rejection that the code has")
    func ruleTables() throws {
        let transactions = try rules("Transactions", "T")
        #expect(transactions.map(\.rule) == (1...24).map { "T\($0)" })
        let known = Set(TransactionRejection.Rule.allCases.map(\.rawValue))
        #expect(Set(transactions.flatMap(\.names)).union(["malformed"]) == known)
        let blocks = try rules("Blocks", "B")
        #expect(blocks.map(\.rule) == (1...26).map { "B\($0)" })
        #expect(Set(blocks.flatMap(\.names)) == Set(BlockRejection.Rule.allCases.map(\.rawValue)))
    }

    @Test("every rejection of a script stands on the page of scripts")
    func scripts() throws {
        let page = try page("Scripts")
        for rejection in ScriptRejection.allCases {
            #expect(page.contains("`\(rejection.rawValue)`"), "\(rejection.rawValue)")
        }
    }

    @Test("every hash domain stands on the page of primitives")
    func domains() throws {
        let page = try page("Primitives")
        for domain in HashDomain.allCases {
            #expect(page.contains("| \(domain) | `\(domain.name)` |"), "\(domain)")
        }
    }

    @Test("the limits on the page of limits are those of the code")
    func limits() throws {
        let rows = try page("Limits").split(separator: "\n").map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let limits: [(name: String, value: UInt64)] = [
            ("Amount.maximum", Amount.maximum.units), ("Transaction.bytesMax", UInt64(Transaction.bytesMax)),
            ("Block.bytesMax", UInt64(Block.bytesMax)),
            ("BlockHeader.byteCount", UInt64(BlockHeader.byteCount)),
            ("CheckedTransaction.dustLimit", CheckedTransaction.dustLimit),
            ("Script.bytesMax", UInt64(Script.bytesMax)),
            ("Script.pushBytesMax", UInt64(Script.pushBytesMax)),
            ("Script.operationsMax", UInt64(Script.operationsMax)),
            ("Script.stackItemsMax", UInt64(Script.stackItemsMax)),
            ("Script.multisigKeysMax", UInt64(Script.multisigKeysMax)),
            ("Script.standardKeysMax", UInt64(Script.standardKeysMax)),
            ("ScriptNumber.bytesMax", UInt64(ScriptNumber.bytesMax)),
            ("ScriptWork.hashedBytesPerBlock", UInt64(ScriptWork.hashedBytesPerBlock)),
            ("ScriptWork.signatureChecksPerTransaction", UInt64(ScriptWork.signatureChecksPerTransaction)),
            ("ScriptWork.signatureChecksPerBlock", UInt64(ScriptWork.signatureChecksPerBlock)),
            ("Fees.unitsPerByte", Fees.unitsPerByte), ("Fees.least", Fees.least),
            ("Fees.growthBase", Fees.growthBase), ("Fees.outputsPerDoubling", Fees.outputsPerDoubling),
            ("Locks.timeThreshold", UInt64(Locks.timeThreshold)),
            ("Evidence.bytesMax", UInt64(Evidence.bytesMax)),
            ("ForkProof.bytesMax", UInt64(ForkProof.bytesMax)),
            ("ForkProof.polkasMax", UInt64(ForkProof.polkasMax)),
            ("SignedRecoveryVote.byteCount", UInt64(SignedRecoveryVote.byteCount)),
            ("RecoveryCertificate.bytesMax", UInt64(RecoveryCertificate.bytesMax)),
            ("RecoveryVote.depthMax", RecoveryVote.depthMax),
            ("Accruals.payoutsMax", UInt64(Accruals.payoutsMax)),
            ("Accruals.drawnShareDivisor", Accruals.drawnShareDivisor),
            ("ValidatorSet.membersMax", UInt64(ValidatorSet.membersMax)),
            ("ValidatorSet.totalWeightMax", ValidatorSet.totalWeightMax),
            ("Genesis.allocationsMax", UInt64(Genesis.allocationsMax)),
            ("SpentChunk.positions", SpentChunk.positions),
            ("SpentChunk.byteCount", UInt64(SpentChunk.byteCount)),
            ("MerkleProof.pathMax", UInt64(MerkleProof.pathMax)),
            ("RangePath.hashesMax", UInt64(RangePath.hashesMax)),
            ("OutputProof.bytesMax", UInt64(OutputProof.bytesMax)),
            ("ValidatorPath.stepsMax", UInt64(ValidatorPath.stepsMax)),
            ("ValidatorPath.bytesMax", UInt64(ValidatorPath.bytesMax)),
        ]
        for (name, value) in limits {
            let row = try #require(rows.first { $0.count > 3 && $0[3] == "`\(name)`" }, "\(name)")
            #expect(UInt64(row[1].filter { ("0"..."9").contains($0) }) == value, "\(name)")
        }
    }

    @Test("the vector on the page of genesis is what the code computes")
    func genesisVector() throws {
        let page = try page("Genesis")
        let members = try [3, 1, 2].map { number -> Registry.Entry in
            let key = try #require(PublicKey([UInt8](repeating: UInt8(number), count: 32)))
            return Registry.Entry(
                operatorKey: key, weight: [1, 10, 100][number - 1], payout: .keyHash(of: key))
        }
        let first = try #require(Amount(decimal: "1000.00000000"))
        let second = try #require(Amount(decimal: "0.5"))
        let genesis = try Genesis(
            parameters: .local(slotMilliseconds: 10_000, paymentIntervalMilliseconds: 1000),
            time: Timestamp(milliseconds: 1_800_000_000_000), members: members,
            allocations: [
                Genesis.Allocation(locking: members[1].payout, amount: first),
                Genesis.Allocation(
                    locking: try #require(Script.scriptHash(of: Script([0x51]))), amount: second),
            ])
        let kept = KeptState()
        kept.apply(genesis.change)
        let state = genesis.state
        let proposer = state.validators.proposer(height: 1, round: 0, seed: state.seed).operatorKey
        let block = try #require(
            try BlockAssembly.assemble(
                on: state, at: state.dueTime(of: 1), proposer: proposer, candidates: [], source: kept
            ).block)
        let next = block.change.state
        let names =
            [genesis.block.transactions[0].txid, genesis.block.transactions[0].wtxid, genesis.hash]
            + [state.validators.hash, state.seed, state.roots.root] + state.roots.parts.map(\.hash)
            + [block.block.hash, next.seed, next.roots.root] + next.roots.parts.map(\.hash)
            + block.block.transactions.flatMap { [$0.txid, $0.wtxid] }
        for name in names { #expect(page.contains("`\(name)`"), "\(name)") }
        let amounts = next.accruals.accounts.map(\.amount.units)
        #expect(amounts == [72_072_072, 720_720_720, 9_207_207_207])
        let rounds = (0..<5 as Range<Round>).map {
            state.validators.proposer(height: 1, round: $0, seed: state.seed).operatorKey.bytes[0]
        }
        #expect(rounds == [3, 2, 1, 3, 2])
    }
}
