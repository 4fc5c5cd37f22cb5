import TimeCoinCore
import TimeCoinNode
import TimeCoinStore
import TimeCoinTesting

/// Compares everything that a store answers with a replay from genesis in memory.
struct ChainComparison {
    struct Difference: Error, CustomStringConvertible {
        let description: String
    }

    private let chain: SeededChain
    private(set) var commits: [BlockCommit]
    private var state: ChainState
    private let ahead: MemoryChainStore

    init(_ chain: SeededChain) throws {
        self.chain = chain
        commits = [chain.genesis]
        state = chain.chain.genesis.state
        ahead = MemoryChainStore(chain: chain.chain.genesis.hash)
        try ahead.commit(commits)
    }

    /// Builds the chain up to a height.
    mutating func extend(to height: Height) throws {
        while state.height < height {
            let (commit, next) = try ahead.snapshot { try chain.next(on: state, $0) }
            try ahead.commit([commit])
            commits.append(commit)
            state = next
        }
    }

    /// - Returns: the height and the state root after it.
    func compare(_ store: any ChainStoring) throws -> (height: Height, root: Hash256, outputs: UInt64) {
        let height = try store.snapshot { try $0.tip()?.height } ?? 0
        let model = MemoryChainStore(chain: chain.chain.genesis.hash)
        try model.commit(Array(commits[...Int(height)]))
        return try store.snapshot { found in
            try model.snapshot { try compare(found, with: $0, upTo: height) }
            guard let tip = try found.tip(), let bytes = try found.state() else {
                throw Difference(description: "there is no tip")
            }
            let state = try ChainState(decoding: bytes)
            try check(state, tip)
            return (height, state.roots.root, tip.outputCount)
        }
    }

    private func compare(
        _ found: any ChainReading, with model: any ChainReading, upTo height: Height
    ) throws {
        func same<Value: Equatable>(
            _ what: @autoclosure () -> String, _ ask: (any ChainReading) throws -> Value
        ) throws {
            let (answer, expected) = (try ask(found), try ask(model))
            guard answer == expected else {
                let words = ["\(answer)", "\(expected)"].map { $0.prefix(300) }
                throw Difference(description: "\(what()): \(words[0]), it must be \(words[1])")
            }
        }
        // Pruning takes blocks, and leaves that are all spent; the shorter history has no older undo records.
        let base = try found.base()
        let isPruned = base.blocksFrom > 0
        try same("tip") { try $0.tip() }
        try same("state") { try $0.state() }
        for commit in commits {
            let at = commit.height
            // Heights above the tip, too: nothing may be left of them.
            try same("header \(at)") { try $0.header(at: at) }
            try same("hash \(at)") { try $0.hash(at: at) }
            try same("height of \(commit.hash)") { try $0.height(of: commit.hash) }
            if at < base.blocksFrom {
                guard try found.block(at: at) == nil else {
                    throw Difference(description: "block \(at) is there below \(base.blocksFrom)")
                }
            } else {
                try same("block \(at)") { try $0.block(at: at) }
                try same("certificate \(at)") { try $0.certificate(at: at) }
            }
            if try !isPruned || found.undo(at: at) != nil {
                try same("undo \(at)") {
                    try $0.undo(at: at).map {
                        [$0.previousState(after: commit.state), $0.previousTip.hash.bytes]
                    }
                }
                try same("spent \(at)") { try $0.undo(at: at)?.spent }
            }
            for transaction in commit.transactions {
                let name = transaction.identifier
                try same("location of \(name)") { try $0.location(of: name) }
                for index in 0..<transaction.outputCount {
                    let outPoint = OutPoint(transaction: name, index: index)
                    try same("\(outPoint)") { try $0.output(outPoint) }
                    try same("position of \(outPoint)") { try $0.position(of: outPoint) }
                }
            }
            // Of what lies above the tip a store may keep nothing to ask for.
            guard at <= height else { continue }
            for (key, _) in commit.nodes { try same("node \(key)") { try $0.node(key) } }
            for (index, _) in commit.chunks { try same("chunk \(index)") { try $0.chunk(index) } }
        }
        if !isPruned { try same("base") { try $0.base() } }
        try same("unspent outputs") { try $0.outputs(from: 0, countMax: .max) }
        for group in 0...(try model.tip()?.leafCount ?? 0) / 64 {
            if try isPruned && found.leaves(group: group) == nil { continue }
            try same("leaves \(group)") { try $0.leaves(group: group) }
        }
        for script in chain.scripts {
            try same("history of \(script)") { try $0.history(locking: script, after: nil, countMax: .max) }
            try same("outputs of \(script)") {
                try $0.unspent(locking: script, after: nil, countMax: .max).sorted {
                    $0.outPoint < $1.outPoint
                }
            }
        }
    }

    private func check(_ state: ChainState, _ tip: ChainTip) throws {
        guard state.headerHash == tip.hash, state.outputCount == tip.outputCount,
            state.height == 0 || state.roots.root == state.header.stateRoot
        else { throw Difference(description: "the state is not that of the tip") }
        let scheduled = state.supply.scheduled(slot: state.slot, subsidy: state.parameters.subsidy)
        guard state.supply.total == scheduled else {
            throw Difference(description: "the supply is not what the schedule says")
        }
    }
}
