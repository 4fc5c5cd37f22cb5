import Foundation
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore
import TimeCoinStoreConformance
import TimeCoinTesting

/// Writes a chain into a directory, for tests that kill it and hurt its disk.
///
///     run DIRECTORY SEED LIFE COUNT [DEFECT]   commits COUNT blocks, tells each after it is durable
///     sign DIRECTORY SEED COUNT                signs COUNT times at the next height
///     prune DIRECTORY SEED LIFE COUNT          commits COUNT blocks, prunes what is ten blocks old
///     check DIRECTORY SEED                     compares everything with a replay from genesis
///     shuffle DIRECTORY SEED COUNT             COUNT random steps: apply, take back, open again
///     damage DIRECTORY SEED BYTES              a journal cut at every byte, every bit of it flipped
///
/// Exit status: 0, 64 for wrong arguments, 70 for a difference, 74 for a fault of the disk.
@main
enum StoreExerciser {
    static func main() {
        signal(SIGXFSZ, SIG_IGN)
        let words = CommandLine.arguments
        guard words.count >= 4, let seed = UInt64(words[3]) else { exit(64) }
        let numbers = words.dropFirst(4).compactMap { UInt64($0) }
        do {
            switch (words[1], numbers.count) {
            case ("run", 2):
                let name = words.count > 6 ? words[6] : ExercisedNode.Defect.none.rawValue
                guard let defect = ExercisedNode.Defect(rawValue: name) else { exit(64) }
                try run(words[2], seed, life: numbers[0], count: numbers[1], defect)
            case ("sign", 1): try sign(words[2], seed, count: numbers[0])
            case ("prune", 2): try prune(words[2], seed, life: numbers[0], count: numbers[1])
            case ("check", 0): try check(words[2], seed)
            case ("shuffle", 1): try shuffle(words[2], seed, count: numbers[0])
            case ("damage", 1):
                let damage = try JournalDamage(in: words[2], bytes: Int(clamping: numbers[0]), seed: seed)
                let cuts = try damage.cutEverywhere()
                Report.line("damaged: \(cuts) cuts and \(try damage.flipEverywhere()) flipped bits, all seen")
            default: exit(64)
            }
        } catch let failure as StoreFailure {
            Report.line("fault \(failure)")
            exit(74)
        } catch {
            Report.line("difference \(error)")
            exit(70)
        }
    }

    /// Tells where a start stands, and what the journal kept of the height being decided.
    private static func open(
        _ directory: String, _ seed: UInt64, _ defect: ExercisedNode.Defect = .none,
        options: StoreOptions = StoreOptions()
    ) throws -> ExercisedNode {
        let node = try ExercisedNode(opening: directory, seed: seed, defect: defect, options: options)
        let last = node.signedLast.map { "\($0.height)/\($0.round)/\($0.kind)" } ?? "none"
        let kept = try node.journal.entries(of: node.state.height + 1).count
        Report.line(
            "opened \(node.state.height) \(node.state.headerHash) \(node.state.roots.root) "
                + "signed \(last) journal \(kept)")
        return node
    }

    private static func surviving(_ node: ExercisedNode, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            Report.line("fault \(error)")
            if node.repeatsAfterFault() { Report.line("acknowledged after the fault") }
            exit(error is StoreFailure ? 74 : 70)
        }
    }

    private static func run(
        _ directory: String, _ seed: UInt64, life: UInt64, count: UInt64, _ defect: ExercisedNode.Defect
    ) throws {
        let node = try open(directory, seed, defect)
        try surviving(node) {
            for _ in 0..<count { try node.advance(life: life) }
        }
    }

    private static func prune(_ directory: String, _ seed: UInt64, life: UInt64, count: UInt64) throws {
        var options = StoreOptions()
        (options.undoBlocks, options.undoSlots) = (4, 1)
        let node = try open(directory, seed, options: options)
        try surviving(node) {
            for _ in 0..<count { try node.advance(life: life) }
            let report = try node.prune(keeping: 10)
            Report.line("pruned \(report.blocks) blocks, from \(report.base.blocksFrom) on they are there")
        }
    }

    private static func sign(_ directory: String, _ seed: UInt64, count: UInt64) throws {
        let node = try open(directory, seed)
        let round = node.signedLast.map { $0.height > node.state.height ? $0.round + 1 : 0 } ?? 0
        try surviving(node) {
            for number in 0..<UInt32(truncatingIfNeeded: count) {
                try node.vote(
                    Vote(type: .prevote, height: node.state.height + 1, round: round + number, value: nil))
            }
        }
    }

    private static func check(_ directory: String, _ seed: UInt64) throws {
        let node = try open(directory, seed)
        var model = try ChainComparison(node.chain)
        // One more than there is, to see that nothing is left of it.
        try model.extend(to: node.state.height + 1)
        let (height, root, outputs) = try model.compare(node.store)
        var signatures: [String: Signature] = [:]
        var values: Set<Height> = []
        try journal(directory) { entry, height in
            switch entry {
            case .value(let bytes):
                guard Int(height) < model.commits.count, model.commits[Int(height)].block == bytes else {
                    throw ChainComparison.Difference(
                        description: "a value of height \(height) in the journal")
                }
                values.insert(height)
            case .record(.vote(let signed)):
                let vote = signed.vote
                let place = "\(vote.height)/\(vote.round)/\(vote.type) of \(signed.member)"
                guard signatures.updateValue(signed.signature, forKey: place) ?? signed.signature
                    == signed.signature
                else { throw ChainComparison.Difference(description: "two signatures at \(place)") }
            default: break
            }
        }
        for decided in (values.min() ?? 1)..<(height + 1) where !values.contains(decided) {
            throw ChainComparison.Difference(description: "the journal has no value of height \(decided)")
        }
        Report.line(
            "checked \(height) \(root) outputs \(outputs) journal \(values.count) votes \(signatures.count)")
    }

    private static func journal(
        _ directory: String, _ body: (JournalEntry, Height) throws -> Void
    ) throws {
        try ConsensusJournal.dump(directory + "/journal") { frame in
            guard let entry = JournalEntry(decoding: frame.payload) else {
                throw ChainComparison.Difference(description: "record \(frame.sequence) is no entry")
            }
            try body(entry, frame.height)
        }
    }

    private static func shuffle(_ directory: String, _ seed: UInt64, count: UInt64) throws {
        var random = SeededGenerator(seed: seed, part: .max)
        let chain = try SeededChain(seed: seed)
        var model = try ChainComparison(chain)
        var store: ChainStore? = try ChainStore(opening: directory, chain: chain.chain.genesis.hash)
        var (applied, undone, opened) = (0, 0, 1)
        for step in 0..<count {
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                store = nil
                store = try ChainStore(opening: directory, chain: chain.chain.genesis.hash)
                opened += 1
            case 1...3:
                for _ in 0..<Int.random(in: 1...12, using: &random) {
                    guard try store?.snapshot({ try $0.tip()?.height }) ?? 0 > 0 else { break }
                    try store?.rollbackTip()
                    undone += 1
                }
            default:
                let next = try store?.snapshot { try $0.tip()?.height }.map { Int($0) + 1 } ?? 0
                let number = Int.random(in: 1...9, using: &random)
                try model.extend(to: Height(next + number))
                try store?.commit(Array(model.commits[next..<next + number]))
                applied += number
            }
            guard let store, step.isMultiple(of: 20) || step + 1 == count,
                try store.snapshot({ try $0.tip() }) != nil
            else { continue }
            _ = try model.compare(store)
        }
        let height = try store?.snapshot { try $0.tip()?.height } ?? 0
        Report.line("shuffled \(count) applied \(applied) undone \(undone) opened \(opened) height \(height)")
    }
}
