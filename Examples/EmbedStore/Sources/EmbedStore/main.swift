import Foundation
import TimeCoinCore
import TimeCoinStore
import TimeCoinStoreConformance

// A chain of a seeded model stands for the blocks that a program has decided: it knows for each of them what a
// store has to write.
var chain = try ModelChain(seed: 1, outputsPerBlock: 40)
try chain.extend(count: 20)

let directory = FileManager.default.temporaryDirectory.appending(path: "embed-store-\(getpid())").path
defer { try? FileManager.default.removeItem(atPath: directory) }

do {
    let store = try ChainStore(opening: directory, chain: chain.genesis)
    // Durable, all of them or none, when this returns.
    try store.commit(chain.commits)
    // Everything is as it was before the block.
    try store.rollbackTip()
}

// Closed and opened again: what was committed is there.
let store = try ChainStore(opening: directory, chain: chain.genesis)
try store.snapshot { reader in
    guard let tip = try reader.tip() else { return }
    print("height \(tip.height), \(tip.outputCount) unspent outputs of \(tip.leafCount)")
    let script = ModelChain.scripts[0]
    let unspent = try reader.unspent(locking: script, after: nil, countMax: 1000)
    print("\(unspent.count) of them are locked by \(Hexadecimal.encode(script.bytes.prefix(4)))…")
}

// A block that does not follow the tip is refused by name, and nothing is written.
do {
    try store.commit([chain.commits[3]])
} catch let failure as StoreFailure {
    print("refused: \(failure.code.rawValue)")
}

// Whoever brings a store of their own runs the checks that this one passes; here the one in memory.
for check in StoreConformance.checks {
    try check.run { MemoryChainStore(chain: $0, options: $1) }
}
print("\(StoreConformance.checks.count) checks passed")
