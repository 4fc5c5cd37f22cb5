import BenchmarkSupport
import Foundation
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore

/// A database with many unspent outputs, made by real blocks: every rule holds, every root is right.
///
/// Each transaction spends the change of the one before, which needs no signature, and makes two key-hash
/// outputs that stay. So a third of all positions of the output commitment is spent from the start.
struct OutputSet {
    let directory: String
    let genesis: Genesis
    let owners: Owners
    private let outputs: Int
    private let blocks: Int
    private let proposer: PublicKey

    /// Blocks written in one transaction while building.
    private static let blocksPerCommit = 500
    private static let outputsPerTransaction = 2
    static let value = Amount(units: 20_000_000) ?? .zero
    static let fee = Amount(units: 5000) ?? .zero
    /// What needs no signature: the number 1.
    private static let free = Script([0x51])

    init(in parent: String, outputs: Int, blocks: Int) throws {
        directory = "\(parent)/set-\(outputs)-\(blocks)"
        self.outputs = outputs
        self.blocks = blocks
        owners = try Owners()
        guard let member = SigningKey(seed: [UInt8](repeating: 250, count: SigningKey.seedByteCount)),
            let allocated = Amount(units: 10_000_000 * Amount.unitsPerTime)
        else { throw Failed("no genesis") }
        proposer = member.publicKey
        // One slot for all: no block has to be a scheduled one.
        let parameters = ChainParameters.local(slotMilliseconds: 1 << 40, paymentIntervalMilliseconds: 0)
        genesis = try Genesis(
            parameters: parameters, time: Timestamp(milliseconds: 1_000_000_000_000),
            members: [
                Registry.Entry(
                    operatorKey: proposer, weight: 1, payout: Script.keyHash(of: member.publicKey))
            ],
            allocations: [Genesis.Allocation(locking: OutputSet.free, amount: allocated)])
    }

    static var options: StoreOptions {
        var options = StoreOptions()
        options.addressIndex = false
        options.undoSlots = 0
        return options
    }

    func open(_ directory: String? = nil) throws -> ChainStore {
        try ChainStore(
            opening: directory ?? self.directory, chain: genesis.hash, options: OutputSet.options)
    }

    /// Builds the database unless an earlier run has.
    func prepare() throws {
        let mark = directory + ".complete"
        guard !FileManager.default.fileExists(atPath: mark) else { return }
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let start = seconds()
        try build()
        note("\(directory): built in \(Int(seconds() - start)) s")
        try Data().write(to: URL(fileURLWithPath: mark))
    }

    /// A copy that may be changed, in place of the last one.
    func copy(_ name: String = "work") throws -> String {
        let target = directory + "." + name
        try? FileManager.default.removeItem(atPath: target)
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: directory + "/data.mdb", toPath: target + "/data.mdb")
        return target
    }

    private func build() throws {
        let store = try open()
        try store.commit([BlockCommit(genesis.block, change: genesis.change, certificate: [])])
        var state = genesis.state
        var pending = PendingChain()
        var change = try Coin(genesis)
        let transactions = outputs / OutputSet.outputsPerTransaction
        for number in 0..<blocks {
            let count = transactions * (number + 1) / blocks - transactions * number / blocks
            let executed = try assemble(count, on: state, pending: pending, store, spending: &change)
            guard pending.append(executed, certificate: [0]) else { throw Failed("a gap") }
            state = executed.change.state
            if pending.commits.count >= OutputSet.blocksPerCommit || number + 1 == blocks {
                try store.commit(pending.commits)
                pending = PendingChain()
            }
            if (number + 1).isMultiple(of: max(1, blocks / 10)) { note("\(number + 1) of \(blocks) blocks") }
        }
    }

    /// An output that anybody can spend.
    private struct Coin {
        let outPoint: OutPoint
        let entry: OutputEntry

        init(_ genesis: Genesis) throws {
            guard let created = genesis.change.created.first else { throw Failed("no allocation") }
            (outPoint, entry) = created
        }

        init(_ outPoint: OutPoint, _ entry: OutputEntry) {
            self.outPoint = outPoint
            self.entry = entry
        }
    }

    private func assemble(
        _ count: Int, on state: ChainState, pending: PendingChain, _ store: ChainStore,
        spending change: inout Coin
    ) throws -> ExecutedBlock {
        let context = SpendingContext(
            slot: state.slot, parentTime: state.header.time, growthPrice: state.growthPrice)
        var candidates: [(transaction: CheckedTransaction, proof: ScriptProof)] = []
        candidates.reserveCapacity(count)
        for index in 0..<count {
            let made = try transaction(spending: change, owner: index, price: state.growthPrice)
            let spendable = try SpendableTransaction(made.0, spending: [change.entry], in: context)
            candidates.append((made.0, try ScriptProof(verifying: spendable, chain: genesis.hash)))
            change = made.1
        }
        let assembly = try store.snapshot { reader in
            try BlockAssembly.assemble(
                on: state, at: state.header.time.advanced(byMilliseconds: 1), proposer: proposer,
                candidates: candidates, source: pending.over(reader))
        }
        guard let block = assembly.block, block.block.transactions.count == count else {
            throw Failed("a block of the set lacks transactions")
        }
        // Its real position is known now.
        if let last = block.change.created.last { change = Coin(last.outPoint, last.entry) }
        return block
    }

    private func transaction(
        spending coin: Coin, owner: Int, price: Amount
    ) throws -> (CheckedTransaction, Coin) {
        guard let burned = price.multiplied(by: 2), let paid = OutputSet.value.multiplied(by: 2),
            let rest = coin.entry.output.value.subtracting(paid)?.subtracting(burned)?
                .subtracting(OutputSet.fee)
        else { throw Failed("no money left") }
        let change = TransactionOutput(value: rest, locking: OutputSet.free)
        let checked = try CheckedTransaction(
            checking: Transaction(
                inputs: [TransactionInput(previous: coin.outPoint, unlocking: .empty)],
                outputs: [
                    TransactionOutput(value: OutputSet.value, locking: owners.script(2 * owner)),
                    TransactionOutput(value: OutputSet.value, locking: owners.script(2 * owner + 1)),
                    change,
                ]))
        let entry = OutputEntry(
            output: change, height: coin.entry.height, slot: 0, time: coin.entry.time, kind: .transfer,
            position: 0)
        return (checked, Coin(OutPoint(transaction: checked.txid, index: 2), entry))
    }
}
