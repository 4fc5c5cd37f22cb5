import BenchmarkSupport
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore

/// Connects blocks of payments whose scripts were verified before: reading what they spend, the new state
/// with its root, and the durable write; next to libsodium verifying as many signatures.
struct ConnectBenchmark {
    private let set: OutputSet
    private let options: Options
    private let store: ChainStore
    private var state: ChainState
    private var sample: OutputSample
    private let proposer: PublicKey

    init(_ set: OutputSet, _ options: Options, in directory: String, seed: UInt64) throws {
        self.set = set
        self.options = options
        store = try set.open(directory)
        guard let bytes = try store.snapshot({ try $0.state() }) else { throw Failed("no state") }
        state = try ChainState(decoding: bytes)
        proposer = state.validators.members[0].operatorKey
        sample = try OutputSample(options.payments * (options.turns + 9) * 10 / 9, of: store, seed: seed)
    }

    /// A block whose scripts have run, with its proofs.
    struct Proven {
        let bytes: [UInt8]
        let block: CheckedBlock
        let proofs: [ScriptProof]
    }

    /// The times of the parts of connecting a block.
    struct Parts {
        var reading = Elapsed()
        var transition = Elapsed()
        var commit = Elapsed()

        var total: Elapsed { reading + transition + commit }
    }

    mutating func run() async throws {
        let raw = try RawSignatures(options.payments)
        var parts: [Parts] = []
        var decodings: [Elapsed] = []
        var references: [Elapsed] = []
        var memory = 0
        for turn in 0...options.turns {
            let proven = try next()
            let reference = try raw.verify()
            let decoding = try measured { _ = try CheckedBlock(decoding: proven.bytes) }.time
            var turnParts = Parts()
            var executed: ExecutedBlock?
            memory = max(
                memory,
                try await MemorySampler.peak {
                    (executed, turnParts) = try connect(proven)
                })
            if let executed { state = executed.change.state }
            // The first one warms up.
            guard turn > 0 else { continue }
            references.append(reference)
            decodings.append(decoding)
            parts.append(turnParts)
        }
        report(parts, decodings, references, memory: memory)
    }

    private func report(_ parts: [Parts], _ decodings: [Elapsed], _ references: [Elapsed], memory: Int) {
        let reference = Elapsed.median(references)
        // Below a million outputs the goal is that of a million; above, that of ten millions.
        let ceiling = options.outputs > 1_000_000 ? 0.8 : 0.4
        let text = "libsodium verifying \(options.payments) signatures, ms"
        func report(_ name: String, _ time: Elapsed, ceiling: Double?) {
            Figure(
                "store/\(name)-processor", time.processor * 1000, "ms", reference: text,
                reference.processor * 1000, floor: nil, ceiling: ceiling
            ).report()
            Figure(
                "store/\(name)-wall", time.wall * 1000, "ms", reference: text, reference.wall * 1000,
                floor: nil, ceiling: ceiling
            ).report()
        }
        report("connect-\(options.outputs)", Elapsed.median(parts.map(\.total)), ceiling: ceiling)
        report("connect-part-reading", Elapsed.median(parts.map(\.reading)), ceiling: nil)
        report("connect-part-transition", Elapsed.median(parts.map(\.transition)), ceiling: nil)
        report("connect-part-commit", Elapsed.median(parts.map(\.commit)), ceiling: nil)
        report("decoding-beside", Elapsed.median(decodings), ceiling: nil)
        Figure(
            "store/connect-memory", Double(memory) / 1e6, "MB", reference: "anonymous memory asked for, MB",
            300,
            floor: nil, ceiling: 1
        ).report()
    }

    /// The next block as the measured code gets it: from its bytes.
    mutating func next(after pending: PendingChain = PendingChain()) throws -> Proven {
        let context = SpendingContext(
            slot: state.slot, parentTime: state.header.time, growthPrice: state.growthPrice)
        var candidates: [(transaction: CheckedTransaction, proof: ScriptProof)] = []
        for (index, outPoint) in sample.take(options.payments).enumerated() {
            guard let entry = try store.snapshot({ try $0.output(outPoint) }) else {
                throw Failed("a drawn output is gone")
            }
            let payment = try set.owners.payment(
                of: outPoint, entry, to: index, price: state.growthPrice, chain: set.genesis.hash)
            let spendable = try SpendableTransaction(payment, spending: [entry], in: context)
            candidates.append((payment, try ScriptProof(verifying: spendable, chain: set.genesis.hash)))
        }
        let assembly = try store.snapshot { reader in
            try BlockAssembly.assemble(
                on: state, at: state.header.time.advanced(byMilliseconds: 1), proposer: proposer,
                candidates: candidates, source: pending.over(reader))
        }
        guard let bytes = assembly.block?.block.encoded else { throw Failed("no block") }
        let block = try CheckedBlock(decoding: bytes)
        guard block.transactions.count == options.payments else { throw Failed("the block is not full") }
        return Proven(bytes: bytes, block: block, proofs: candidates.map(\.proof))
    }

    func connect(_ proven: Proven) throws -> (ExecutedBlock, Parts) {
        var parts = Parts()
        let prepared: PreparedBlock
        (prepared, parts.reading) = try measured {
            try store.snapshot { try PreparedBlock(proven.block, on: state, outputs: $0) }
        }
        let executed: ExecutedBlock
        (executed, parts.transition) = try measured {
            let transition = try store.snapshot { try StateTransition(of: prepared, commitment: $0) }
            return try ExecutedBlock(prepared, proofs: proven.proofs, transition: transition)
        }
        parts.commit = try measured {
            try store.commit([BlockCommit(executed.block, change: executed.change, certificate: [0])])
        }.time
        return (executed, parts)
    }

    // MARK: - Batches

    /// A full batch, judged and written at once: what it holds in memory, pages of the database included.
    mutating func batch() async throws {
        let before = MemorySampler.anonymousBytes
        let peak = try await MemorySampler.peak {
            var pending = PendingChain()
            while !pending.isFull {
                let proven = try next(after: pending)
                let prepared = try store.snapshot {
                    try PreparedBlock(proven.block, on: state, outputs: pending.over($0))
                }
                let executed = try ExecutedBlock(
                    prepared, proofs: proven.proofs,
                    transition: try store.snapshot {
                        try StateTransition(of: prepared, commitment: pending.over($0))
                    })
                guard pending.append(executed, certificate: [0]) else { throw Failed("a gap") }
                state = executed.change.state
            }
            try store.commit(pending.commits)
        }
        note("memory before the batch: \(before / 1_000_000) MB")
        Figure(
            "store/batch-memory", Double(peak) / 1e6, "MB", reference: "anonymous memory asked for, MB",
            300, floor: nil, ceiling: 1
        ).report()
    }

    // MARK: - Operations

    /// Puts and deletes of the same records by the store and by LMDB alone.
    mutating func operations(in directory: String) throws {
        let data = directory + "/data.mdb"
        let raw = try RawDatabase(copying: data, to: directory + ".raw")
        var before = try RawDatabase(copying: data, to: directory + ".0")
        var stores: [Elapsed] = []
        var raws: [Elapsed] = []
        var count = 0
        for turn in 0...options.turns {
            let (executed, parts) = try connect(try next())
            state = executed.change.state
            let after = try RawDatabase(copying: data, to: directory + ".\((turn + 1) % 2)x")
            let changes = try before.changes(to: after)
            before = after
            let time = try raw.apply(changes)
            if turn == 0 {
                for line in changes.lines { note(line) }
                continue
            }
            count += changes.count
            stores.append(parts.commit)
            raws.append(time)
        }
        guard try raw.counts() == before.counts() else { throw Failed("the reference wrote something else") }
        let (ours, theirs) = (Elapsed.median(stores), Elapsed.median(raws))
        let each = Double(count) / Double(stores.count)
        Figure(
            "store/operations-per-cpu-second", each / ours.processor, "1/s",
            reference: "LMDB alone, the same records", each / theirs.processor, floor: 0.6
        ).report()
        Figure(
            "store/operations-per-second", each / ours.wall, "1/s",
            reference: "LMDB alone, the same records", each / theirs.wall, floor: 0.6
        ).report()
    }

    // MARK: - Reads

    /// Random reads of outputs in one snapshot and by LMDB alone.
    mutating func reads(in directory: String) throws {
        let outPoints = sample.take(min(50_000, sample.outPoints.count))
        let raw = try RawDatabase(copying: directory + "/data.mdb", to: directory + ".raw")
        var ours: [Elapsed] = []
        var theirs: [Elapsed] = []
        var singles: [Elapsed] = []
        for _ in 0...options.turns {
            ours.append(
                try store.snapshot { reader in
                    try measured {
                        for outPoint in outPoints where try reader.output(outPoint) == nil {
                            throw Failed("a drawn output is gone")
                        }
                    }.time
                })
            theirs.append(try raw.readOutputs(outPoints))
            singles.append(try raw.readTransactions(outPoints))
        }
        let count = Double(outPoints.count)
        let (mine, whole) = (Elapsed.median(ours), Elapsed.median(theirs))
        Figure(
            "store/reads-per-cpu-second", count / mine.processor, "1/s",
            reference: "LMDB alone, the same records", count / whole.processor, floor: 0.7
        ).report()
        Figure(
            "store/reads-per-cpu-second-by-one-get", count / mine.processor, "1/s",
            reference: "one get of LMDB alone", count / Elapsed.median(singles).processor, floor: nil
        ).report()
    }
}
