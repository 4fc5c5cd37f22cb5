import TimeCoinCore
import TimeCoinStore

/// Unspent key-hash outputs drawn at random from a whole set, none twice.
struct OutputSample {
    private(set) var outPoints: [OutPoint] = []

    init(_ count: Int, of store: ChainStore, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        try store.snapshot { reader in
            guard let tip = try reader.tip() else { throw Failed("an empty database") }
            var heights = (0..<count).map { _ in UInt64.random(in: 1...tip.height, using: &generator) }
            heights.sort()
            var drawn: Set<OutPoint> = []
            var current: (height: Height, block: CheckedBlock)?
            for height in heights {
                if current?.height != height {
                    guard let bytes = try reader.block(at: height) else { throw Failed("no block") }
                    current = (height, try CheckedBlock(decoding: bytes))
                }
                // Small blocks may have been drawn empty; what is left is drawn often enough.
                for _ in 0..<100 {
                    guard let transaction = current?.block.transactions.randomElement(using: &generator)
                    else { break }
                    let outPoint = OutPoint(
                        transaction: transaction.txid, index: UInt32.random(in: 0...1, using: &generator))
                    guard drawn.insert(outPoint).inserted else { continue }
                    outPoints.append(outPoint)
                    break
                }
            }
        }
        outPoints.shuffle(using: &generator)
        guard outPoints.count >= count * 9 / 10 else { throw Failed("too few outputs to draw from") }
    }

    /// The next so many, which are not given again.
    mutating func take(_ count: Int) -> [OutPoint] {
        defer { outPoints.removeLast(min(count, outPoints.count)) }
        return outPoints.suffix(count)
    }
}
