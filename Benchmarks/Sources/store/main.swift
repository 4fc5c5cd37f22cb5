// The store at work, next to libsodium, LMDB and Bitcoin Core's engine in the same run, in turns; medians.
//
// connect      Blocks of payments, each of one input drawn at random from the set and two outputs, whose
//              scripts were verified before: reading inputs, the new state with its root, one durable write a
//              block, no index of addresses. A share of what libsodium needs for as many signatures.
// operations   Records that such a write puts and deletes, found by comparing the database before and after
//              it, against LMDB alone doing the same to a copy, in order of keys, in one synced transaction.
// reads        Outputs read by their names in one snapshot, against LMDB alone getting the same records.
// open         Opening the set against opening a set of 1,000 blocks.
// size         Bytes in use for each unspent output, in every table.
// scrub        One pass of the scrub over the set, in the steps of a node: records looked at in a second of
//              the processor.
// whole        Certified blocks from their bytes to disk with every signature checked, several a write,
//              against libsodium alone and, with --kernel, Bitcoin Core's engine on such a chain.
//
// Memory is `RssAnon`, the most that was seen while connecting.
import BenchmarkSupport
import Foundation

guard let options = Options(Array(CommandLine.arguments.dropFirst())) else {
    note(Options.usage)
    exit(64)
}
do {
    let set = try OutputSet(in: options.directory, outputs: options.outputs, blocks: options.blocks)
    if options.figures != ["whole"] { try set.prepare() }
    for (figure, seed) in [("connect", UInt64(5)), ("operations", 6), ("reads", 7)]
    where options.wants(figure) {
        let directory = try set.copy()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var benchmark = try ConnectBenchmark(set, options, in: directory, seed: seed)
        switch figure {
        case "connect":
            try await benchmark.run()
            try await benchmark.batch()
        case "operations": try benchmark.operations(in: directory)
        default: try benchmark.reads(in: directory)
        }
    }
    if options.wants("open") {
        let small = try OutputSet(in: options.directory, outputs: min(options.outputs, 10_000), blocks: 1000)
        try small.prepare()
        try StoreSize.compareOpening(small, set, "\(options.blocks)-blocks")
    }
    if options.wants("size") { try StoreSize.report(set, outputs: options.outputs) }
    if options.wants("scrub") { try StoreSize.scrub(set) }
    if options.wants("whole") { try await WholeBenchmark(options).run() }
} catch {
    note("store: \(error)")
    exit(1)
}
