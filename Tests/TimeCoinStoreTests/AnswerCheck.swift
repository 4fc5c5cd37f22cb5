import TimeCoinCore
import TimeCoinStoreConformance

@testable import TimeCoinStore

/// Compares the answers of a store with a model, each by itself: an answer is right, or it is an error.
struct AnswerCheck {
    private let model: ModelChain
    private(set) var wrong: [String] = []
    /// Answers that were errors of the store.
    var reports = 0

    /// Of things that there are many of, how many are asked for.
    private static let sample = 120

    init(of model: ModelChain) {
        self.model = model
    }

    mutating func ask(_ store: ChainStore, using generator: inout SeededGenerator) throws {
        var check = self
        var random = generator
        do {
            try store.snapshot { reader in
                check.askChain(reader)
                check.askTransactions(reader, using: &random)
                check.askOutputs(reader, using: &random)
                check.askCommitment(reader, using: &random)
                check.askAddresses(reader, using: &random)
            }
        } catch is StoreFailure {
            check.reports += 1
        }
        generator = random
        self = check
    }

    private mutating func expect<Value: Equatable>(
        _ expected: Value, _ name: @autoclosure () -> String, _ read: () throws -> Value
    ) {
        do {
            let value = try read()
            if value != expected { wrong.append(name()) }
        } catch is StoreFailure {
            reports += 1
        } catch {
            wrong.append("\(name()): \(error)")
        }
    }

    private mutating func askChain(_ reader: any ChainReading) {
        guard let last = model.commits.last else { return }
        expect(last.hash, "the tip") { try reader.tip()?.hash }
        expect(UInt64(model.outputs.count), "the count of outputs") { try reader.tip()?.outputCount }
        expect(last.state, "the state") { try reader.state() }
        for commit in model.commits {
            let height = commit.height
            expect(commit.hash, "the hash at \(height)") { try reader.hash(at: height) }
            expect(commit.header, "the header at \(height)") { try reader.header(at: height) }
            expect(height, "the height of \(height)") { try reader.height(of: commit.hash) }
            expect(commit.block, "block \(height)") { try reader.block(at: height) }
            expect(commit.certificate, "certificate \(height)") { try reader.certificate(at: height) }
            guard let set = commit.validators else { continue }
            expect(set, "the set after \(height)") { try reader.validatorSet(set.hash) }
        }
        expect(nil, "a block above the tip") { try reader.block(at: last.height + 1) }
        expect(nil, "the height of nothing") { try reader.height(of: .zero) }
        let changes = model.commits.filter { $0.header.nextValidators != $0.header.validators }
        expect(changes.map(\.height), "the changes of the set") {
            try reader.setChanges(from: 0, countMax: .max)
        }
    }

    private mutating func askTransactions(
        _ reader: any ChainReading, using generator: inout SeededGenerator
    ) {
        for commit in model.commits {
            for (place, transaction) in commit.transactions.enumerated() {
                let location = TransactionLocation(height: commit.height, index: UInt32(place))
                expect(location, "where transaction \(commit.height):\(place) stands") {
                    try reader.location(of: transaction.identifier)
                }
                let index = UInt32.random(in: 0...transaction.outputCount, using: &generator)
                // Behind many data carriers only unspent outputs have a position without their block.
                guard transaction.carriers.count <= TransactionRecord.carriersListedMax else { continue }
                expect(transaction.position(of: index), "a position of \(commit.height):\(place)") {
                    try reader.position(of: OutPoint(transaction: transaction.identifier, index: index))
                }
            }
        }
        expect(nil, "where nothing stands") { try reader.location(of: .zero) }
    }

    private mutating func askOutputs(
        _ reader: any ChainReading, using generator: inout SeededGenerator
    ) {
        for _ in 0..<AnswerCheck.sample {
            guard let commit = model.commits.randomElement(using: &generator),
                let outPoint = commit.created.randomElement(using: &generator)?.outPoint
            else { continue }
            let place = "\(commit.height):\(outPoint.index)"
            expect(model.outputs[outPoint], "output \(place)") { try reader.output(outPoint) }
        }
        let unspent = model.outputs.sorted { $0.value.position < $1.value.position }
            .map { UnspentOutput(outPoint: $0.key, entry: $0.value) }
        expect(unspent, "the list of outputs") { try reader.outputs(from: 0, countMax: .max) }
    }

    private mutating func askCommitment(
        _ reader: any ChainReading, using generator: inout SeededGenerator
    ) {
        for (key, hash) in model.nodes.sorted(by: { $0.value < $1.value }).shuffled(using: &generator)
            .prefix(AnswerCheck.sample)
        {
            expect(hash, "node \(key)") { try reader.node(key) }
        }
        for (index, chunk) in model.chunks {
            expect(chunk, "chunk \(index)") { try reader.chunk(index) }
        }
    }

    private mutating func askAddresses(
        _ reader: any ChainReading, using generator: inout SeededGenerator
    ) {
        for script in ModelChain.scripts {
            let unspent = model.outputs.filter { $0.value.output.locking == script }
                .sorted { $0.value.position < $1.value.position }.map(\.key)
            let after = Int.random(in: 0..<max(1, unspent.count), using: &generator)
            let last = model.outputs[unspent[after]]?.position
            expect(Array(unspent[(after + 1)...].prefix(40)), "unspent outputs of a script") {
                try reader.unspent(locking: script, after: last, countMax: 40).map(\.outPoint)
            }
            let history = model.commits.flatMap { commit in
                commit.transactions.enumerated().filter { $1.scripts.contains(script) }.map {
                    TransactionLocation(height: commit.height, index: UInt32($0.offset))
                }
            }
            expect(history, "the history of a script") {
                try reader.history(locking: script, after: nil, countMax: .max)
            }
            expect(history.reversed(), "the history of a script from its end") {
                try reader.history(locking: script, before: nil, countMax: .max)
            }
        }
    }
}
