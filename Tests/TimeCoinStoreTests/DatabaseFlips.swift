import Foundation
import TimeCoinCore
import TimeCoinStoreConformance

@testable import TimeCoinStore

/// Flips single bits of a database file and asks for everything.
///
/// Runs in a process of its own, because LMDB can crash on a damaged page; how far it came is kept in a file.
struct DatabaseFlips {
    struct Progress: Codable {
        var next = 0
        var reported = 0
        var right = 0
        var silent = 0
    }

    static let count = 300

    private let path: String
    private let chain: ModelChain

    init(opening path: String) throws {
        self.path = path
        var chain = try ModelChain(seed: 40, outputsPerBlock: 120)
        try chain.extend(count: 8)
        self.chain = chain
    }

    init(creating path: String) throws {
        try self.init(opening: path)
        var options = StoreOptions()
        options.instance = 4
        let store = try ChainStore(opening: "\(path)/intact", chain: chain.genesis, options: options)
        for commit in chain.commits { try store.commit([commit]) }
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
        for number in [SIGSEGV, SIGBUS, SIGABRT, SIGFPE] {
            signal(number) { _ in _exit(EXIT_SUCCESS) }
        }
        let expected = StoreView(expected: chain)
        let intact = try TemporaryDirectory.read("\(path)/intact/data.mdb")
        let damaged = "\(path)/damaged"
        try FileManager.default.createDirectory(atPath: damaged, withIntermediateDirectories: true)
        var progress = try progress()
        while progress.next < DatabaseFlips.count {
            var generator = SeededGenerator(seed: UInt64(progress.next))
            var bytes = intact
            let bit = Int.random(in: 0..<8 * bytes.count, using: &generator)
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            try TemporaryDirectory.write(bytes, to: "\(damaged)/data.mdb")
            progress.next += 1
            try write(progress)
            do {
                let store = try ChainStore(opening: damaged, chain: chain.genesis)
                if try StoreView(store, asking: chain) == expected {
                    progress.right += 1
                } else {
                    progress.silent += 1
                    print("seed \(progress.next - 1): silently wrong after bit \(bit % 8) of byte \(bit / 8)")
                }
            } catch is StoreFailure {
                progress.reported += 1
            }
            try write(progress)
        }
        print("flips: \(progress)")
    }
}
