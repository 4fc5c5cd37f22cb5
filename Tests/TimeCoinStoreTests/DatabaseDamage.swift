import Foundation
import TimeCoinCore
import TimeCoinStoreConformance

@testable import TimeCoinStore

/// Damages a database file, one way a round, asks for everything and writes the next block.
///
/// Runs in a process of its own, because LMDB can crash on a damaged page; how far it came is kept in a file.
struct DatabaseDamage {
    /// What happened in the rounds so far.
    struct Progress: Codable {
        var next = 0
        /// The damage changed nothing that anybody asks for.
        var right = 0
        var reportedOnOpening = 0
        /// By a reading, or by the writing of the next block.
        var reportedLater = 0
        /// Everything as after an earlier block: the last commits are gone, whole.
        var older = 0
        /// Rounds that gave a wrong answer, or refused the next block for what is wrong with the database.
        var silent = 0
        /// What those rounds did, the first of them.
        var notes: [String] = []

        var crashed: Int { next - right - reportedOnOpening - reportedLater - older - silent }
    }

    enum Kind: Int, CaseIterable {
        case bit
        case swappedPages
        case stalePage
    }

    static let pageBytes = 4096
    /// Blocks in the file; one more is written in every round.
    private static let height = 14
    private static let notesMax = 200
    /// Seconds after which a round counts as crashed.
    private static let patience: CUnsignedInt = 20

    /// Rounds: what CI does, or the number in the environment.
    static let count = number("TIMECOIN_FLIPS") ?? 300
    /// The seed of the first round.
    private static let firstSeed = number("TIMECOIN_FLIPS_SEED") ?? 0

    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }

    private let path: String
    /// The chain after each block.
    private let models: [ModelChain]

    init(opening path: String) throws {
        self.path = path
        var models = [try ModelChain(seed: 40, outputsPerBlock: 200)]
        for height in 0...DatabaseDamage.height {
            var next = models[height]
            try next.extend()
            models.append(next)
        }
        self.models = models
    }

    init(creating path: String) throws {
        try self.init(opening: path)
        var options = StoreOptions()
        options.instance = 4
        let store = try ChainStore(opening: "\(path)/intact", chain: models[0].genesis, options: options)
        for commit in models[DatabaseDamage.height].commits {
            try store.commit([commit])
            let bytes = try TemporaryDirectory.read("\(path)/intact/data.mdb")
            try TemporaryDirectory.write(bytes, to: "\(path)/copy-\(commit.height)")
        }
        try write(Progress())
    }

    func progress() throws -> Progress {
        try JSONDecoder().decode(
            Progress.self, from: Data(contentsOf: URL(fileURLWithPath: "\(path)/progress")))
    }

    private func write(_ progress: Progress) throws {
        try JSONEncoder().encode(progress).write(to: URL(fileURLWithPath: "\(path)/progress"))
    }

    func run() throws {
        for number in [SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGALRM] {
            signal(number) { _ in _exit(EXIT_SUCCESS) }
        }
        let copies = try (0...DatabaseDamage.height).map { try TemporaryDirectory.read("\(path)/copy-\($0)") }
        let directory = "\(path)/damaged"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        var progress = try progress()
        while progress.next < DatabaseDamage.count {
            let seed = UInt64(DatabaseDamage.firstSeed + progress.next)
            var generator = SeededGenerator(seed: seed)
            let (bytes, what) = DatabaseDamage.damaged(copies, using: &generator)
            try TemporaryDirectory.write(bytes, to: "\(directory)/data.mdb")
            progress.next += 1
            try write(progress)
            alarm(DatabaseDamage.patience)
            let wrong = try round(directory, &progress, using: &generator)
            alarm(0)
            if !wrong.isEmpty {
                progress.silent += 1
                if progress.notes.count < DatabaseDamage.notesMax {
                    progress.notes.append("seed \(seed): \(what): \(wrong.prefix(6).joined(separator: ", "))")
                }
            }
            try write(progress)
        }
    }

    /// The last copy with one damage; half of the pages of a larger file are free, so that pages that differ
    /// between the copies are preferred.
    private static func damaged(
        _ copies: [[UInt8]], using generator: inout SeededGenerator
    ) -> (bytes: [UInt8], what: String) {
        var bytes = copies[copies.count - 1]
        let pages = bytes.count / pageBytes
        func range(_ page: Int) -> Range<Int> { page * pageBytes..<(page + 1) * pageBytes }
        let page = Int.random(in: 0..<pages, using: &generator)
        switch Kind.allCases.randomElement(using: &generator) ?? .bit {
        case .bit:
            let bit = Int.random(in: 0..<8 * bytes.count, using: &generator)
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            return (bytes, "bit \(bit % 8) of byte \(bit / 8)")
        case .swappedPages:
            let other = Int.random(in: 0..<pages, using: &generator)
            let kept = Array(bytes[range(page)])
            bytes.replaceSubrange(range(page), with: bytes[range(other)])
            bytes.replaceSubrange(range(other), with: kept)
            return (bytes, "pages \(page) and \(other) swapped")
        case .stalePage:
            let last = copies.count - 1
            let candidates = (0..<last).filter { copy in
                range(page).upperBound <= copies[copy].count
                    && copies[copy][range(page)] != copies[last][range(page)]
            }
            guard let copy = candidates.randomElement(using: &generator) else {
                return (bytes, "nothing: page \(page) never was another")
            }
            bytes.replaceSubrange(range(page), with: copies[copy][range(page)])
            return (bytes, "page \(page) as after block \(copy)")
        }
    }

    /// - Returns: what was silently wrong.
    private func round(
        _ directory: String, _ progress: inout Progress, using generator: inout SeededGenerator
    ) throws -> [String] {
        let store: ChainStore
        let tip: Height
        do {
            store = try ChainStore(opening: directory, chain: models[0].genesis)
            tip = try store.snapshot { try $0.tip()?.height ?? 0 }
        } catch is StoreFailure {
            progress.reportedOnOpening += 1
            return []
        }
        guard tip <= DatabaseDamage.height else { return ["a tip at height \(tip)"] }
        var answers = AnswerCheck(of: models[Int(tip)])
        try answers.ask(store, using: &generator)
        guard answers.wrong.isEmpty else { return answers.wrong }
        // A node that has met damage ends, and writes nothing more.
        guard answers.reports == 0 else {
            progress.reportedLater += 1
            return []
        }
        let next = models[Int(tip) + 1]
        do {
            try store.commit([next.commits[Int(tip) + 1]])
            var after = AnswerCheck(of: next)
            try after.ask(store, using: &generator)
            guard after.wrong.isEmpty else { return after.wrong.map { "after the next block: " + $0 } }
            answers.reports += after.reports
        } catch let failure as StoreFailure {
            guard [.corrupt, .io].contains(failure.code) else {
                return ["the next block is refused: \(failure)"]
            }
            answers.reports += 1
        }
        if answers.reports > 0 {
            progress.reportedLater += 1
        } else if tip < DatabaseDamage.height {
            progress.older += 1
        } else {
            progress.right += 1
        }
        return []
    }
}
