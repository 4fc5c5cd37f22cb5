import BenchmarkSupport
import Foundation
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore
import TimeCoinTesting

/// Everything a node does with certified blocks that it fetches: decoding, certificates, every rule with
/// every signature, the new state, and the durable write of several blocks at once.
struct WholeBenchmark {
    private let chain: CertifiedChain
    private let options: Options

    static let blocks = 8

    init(_ options: Options) throws {
        self.options = options
        chain = try CertifiedChain(blocks: WholeBenchmark.blocks, payments: options.payments)
    }

    func run() async throws {
        let raw = try RawSignatures(options.payments)
        var times: [Elapsed] = []
        var references: [Elapsed] = []
        var bothCores: [Double] = []
        var kernels: [KernelReference.Rates] = []
        var memory = 0
        for turn in 0...options.turns {
            let reference = try raw.verify()
            var time = Elapsed()
            memory = max(memory, try await MemorySampler.peak { time = try await connect() })
            let both = await RawSodium.verificationsPerSecond(lasting: 0.5, threads: 2)
            guard turn > 0 else { continue }
            times.append(time)
            references.append(reference)
            bothCores.append(both)
            if let kernel = options.kernel { kernels.append(try KernelReference.run(kernel)) }
        }
        let count = Double(options.payments * WholeBenchmark.blocks)
        let (time, reference) = (Elapsed.median(times), Elapsed.median(references))
        Figure(
            "store/whole-per-cpu-second", count / time.processor, "tx/s",
            reference: "libsodium verifications a CPU-second",
            Double(options.payments) / reference.processor, floor: 0.7
        ).report()
        Figure(
            "store/whole-per-second", count / time.wall, "tx/s",
            reference: "libsodium verifications a second on 2 threads", percentile(0.5, of: bothCores),
            floor: 0.7
        ).report()
        Figure(
            "store/whole-memory", Double(memory) / 1e6, "MB", reference: "anonymous memory asked for, MB",
            300,
            floor: nil, ceiling: 1
        ).report()
        guard !kernels.isEmpty else { return }
        Figure(
            "store/whole-per-cpu-second-kernel", count / time.processor, "tx/s",
            reference: "Bitcoin Core's engine, final flush counted",
            percentile(0.5, of: kernels.map(\.perProcessorSecond)), floor: 1.1
        ).report()
        Figure(
            "store/whole-per-second-kernel", count / time.wall, "tx/s",
            reference: "Bitcoin Core's engine, final flush counted",
            percentile(0.5, of: kernels.map(\.perSecond)),
            floor: nil
        ).report()
    }

    /// From an empty database with its genesis to the last block durable.
    private func connect() async throws -> Elapsed {
        let directory = options.directory + "/whole"
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let genesis = chain.chain.genesis
        let store = try ChainStore(
            opening: directory, chain: genesis.hash, options: OutputSet.options)
        try store.commit([BlockCommit(genesis.block, change: genesis.change, certificate: [])])
        return try await measured {
            let verifier = BlockVerifier(store: store, chain: genesis.hash)
            var state = genesis.state
            var pending = PendingChain()
            for item in chain.items {
                let checked = try await BlockVerifier.check(decoding: item.block)
                let certified = try CertifiedBlock(
                    checked, certificate: try Certificate(decoding: item.certificate),
                    validators: state.validators, chain: genesis.hash)
                let executed = try await verifier.judge(certified.block, on: state, after: pending).get()
                guard pending.append(executed, certificate: item.certificate) else { throw Failed("a gap") }
                state = executed.change.state
                if pending.isFull {
                    try store.commit(pending.commits)
                    pending = PendingChain()
                }
            }
            if !pending.isEmpty { try store.commit(pending.commits) }
        }
    }
}

/// Bitcoin Core's engine connecting a chain of the same shape, by a script beside this package.
enum KernelReference {
    struct Rates: Decodable {
        let perProcessorSecond: Double
        let perSecond: Double
    }

    static func run(_ kernel: (python: String, chain: String)) throws -> Rates {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: kernel.python)
        process.arguments = [
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("kernel.py")
                .path,
            kernel.chain,
        ]
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed("the kernel's script failed") }
        return try JSONDecoder().decode(Rates.self, from: bytes)
    }
}
