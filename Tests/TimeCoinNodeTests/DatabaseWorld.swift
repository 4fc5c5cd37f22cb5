import Foundation
import Testing
import TimeCoinControl
import TimeCoinCore
import TimeCoinStore
import TimeCoinTesting

@testable import TimeCoinNode

/// A certified chain, and nodes on this disk that hold some of it.
struct DatabaseWorld {
    private(set) var world: World
    /// From height 1 on.
    private(set) var blocks: [ExecutedBlock] = []
    private(set) var certificates: [[UInt8]] = []
    let root: String

    /// Every block pays from an allocation, and spends what the block before has paid back.
    init(
        blocks count: Int, weights: [UInt64] = [1, 1, 1, 1], offset: Int = 0, slotMilliseconds: UInt64 = 5000,
        slotsApart: Int = 1
    ) throws {
        world = try World(weights: weights, allocations: max(40, count + offset + 1)) {
            $0 = .local(slotMilliseconds: slotMilliseconds, paymentIntervalMilliseconds: 0)
        }
        root = NSTemporaryDirectory() + "timecoin-database.\(UUID().uuidString)"
        var last: CheckedTransaction?
        for place in 0..<count {
            var payments = [try world.payment(place + offset)]
            if let last { payments.append(try world.payment(after: last)) }
            let block = try #require(
                try world.build(
                    try payments.map { try world.admission($0) },
                    at: world.state.dueTime(of: Slot((place + 1) * slotsApart))))
            let certificate = try world.certificate(
                of: block.block.hash, at: Height(place + 1), signers: [0, 1, 2]
            ).encoded
            try world.commit(block)
            blocks.append(block)
            certificates.append(certificate)
            last = payments[0]
        }
    }

    func end() { try? FileManager.default.removeItem(atPath: root) }

    /// The directory of a node that has the genesis file and nothing else.
    func node(_ name: String) throws -> NodeDirectory {
        let directory = NodeDirectory(dataDirectory: "\(root)/\(name)", network: .local)
        try FileManager.default.createDirectory(atPath: directory.root, withIntermediateDirectories: true)
        let genesis = world.chain.genesis
        let amount = try #require(genesis.change.created.first?.entry.output.value)
        let document = GenesisDocument(
            parameters: genesis.state.parameters, time: TestChain.genesisTime,
            validators: world.chain.members.map { key in
                .init(
                    operatorKey: key.publicKey, weight: weight(of: key.publicKey),
                    payout: Address(of: key.publicKey))
            },
            allocations: genesis.change.created.map { _ in
                .init(address: Address(of: world.chain.owner.publicKey), amount: amount)
            })
        try document.write(to: directory.genesis)
        #expect(try directory.readGenesis().hash == genesis.hash)
        return directory
    }

    private func weight(of key: PublicKey) -> UInt64 {
        world.chain.genesis.state.validators.members.first { $0.operatorKey == key }?.weight ?? 0
    }

    func store(
        _ directory: NodeDirectory, at path: String? = nil, options: StoreOptions = StoreOptions()
    ) throws -> ChainStore {
        try ChainStore(
            opening: path ?? directory.chain, chain: world.chain.genesis.hash, options: options)
    }

    func commit(_ heights: Range<Int>, to store: ChainStore, certified: (Int) -> Bool = { _ in true }) throws
    {
        for height in heights {
            try store.commit([commit(of: height, certificate: certified(height))])
        }
    }

    private func commit(of height: Int, certificate: Bool) -> BlockCommit {
        guard height > 0 else {
            let genesis = world.chain.genesis
            return BlockCommit(genesis.block, change: genesis.change, certificate: [])
        }
        let block = blocks[height - 1]
        return BlockCommit(
            block.block, change: block.change, certificate: certificate ? certificates[height - 1] : [])
    }

    /// A node whose database ends with a height.
    func node(
        _ name: String, height: Int, certified: (Int) -> Bool = { _ in true }
    ) throws -> NodeDirectory {
        let directory = try node(name)
        try commit(0..<height + 1, to: try store(directory), certified: certified)
        return directory
    }

    func stored(_ height: Int) -> StoredBlock {
        StoredBlock(
            height: Height(height), block: blocks[height - 1].block.encoded,
            certificate: certificates[height - 1])
    }

    /// The bytes of the state after a height.
    func state(_ height: Int) -> [UInt8] {
        (height == 0 ? world.chain.genesis.state : blocks[height - 1].change.state).encoded
    }

    /// Whether a node's database is the chain up to a height, byte for byte.
    func expect(_ directory: NodeDirectory, height: Int, at path: String? = nil) throws {
        try store(directory, at: path).snapshot { reader throws in
            #expect(try reader.tip()?.height == Height(height))
            #expect(try reader.state() == state(height))
            for place in stride(from: 1, through: height, by: 1) {
                #expect(try reader.block(at: Height(place)) == stored(place).block)
                #expect(try reader.certificate(at: Height(place)) == stored(place).certificate)
            }
            for (outPoint, entry) in world.chain.genesis.change.created {
                let spent = blocks.prefix(height).contains {
                    $0.change.spent.contains { $0.outPoint == outPoint }
                }
                #expect(try reader.output(outPoint) == (spent ? nil : entry))
            }
        }
    }

    func export(_ directory: NodeDirectory, _ name: String, from: Height? = nil, through: Height? = nil)
        throws
        -> String
    {
        let path = "\(root)/\(name)"
        _ = try ChainExport.run(directory, to: path, from: from, through: through, progress: .silent)
        return path
    }

    /// Runs `body`, which must be refused so, and gives what it says.
    func refusal(
        _ kind: DatabaseFailure.Kind, _ body: () async throws -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        do {
            try await body()
        } catch let failure as DatabaseFailure {
            #expect(failure.kind == kind, "\(failure)", sourceLocation: sourceLocation)
            return failure.description
        }
        Issue.record("nothing was refused", sourceLocation: sourceLocation)
        return ""
    }
}
