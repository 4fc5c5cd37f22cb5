public import TimeCoinCore
public import TimeCoinStore

/// What every store of a chain must do, for those who bring their own ``ChainStoring``.
///
/// Run each check with a closure that makes a new, empty store:
///
///     for check in StoreConformance.checks {
///         try check.run { chain, options in try MyStore(chain: chain, options: options) }
///     }
public enum StoreConformance {
    /// Makes a new, empty store for the chain with this genesis block.
    public typealias MakeStore = (_ chain: Hash256, _ options: StoreOptions) throws -> any ChainStoring

    /// A check that a store does not pass.
    public struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
        public let check: String
        public let detail: String

        public var description: String { "\(check): \(detail)" }
    }

    /// One thing that a store must do.
    public struct Check: Sendable, CustomStringConvertible {
        /// A sentence.
        public let name: String
        let body: @Sendable (CheckRun) throws -> Void

        public var description: String { name }

        /// - Throws: ``Violation``; what the store throws where it must not.
        public func run(_ makeStore: MakeStore) throws {
            try withoutActuallyEscaping(makeStore) { makeStore in
                try body(CheckRun(name: name, makeStore: makeStore))
            }
        }
    }

    /// All checks; each stands by itself.
    public static let checks: [Check] = [
        Check(name: "a new store is empty and answers so", body: empty),
        Check(name: "after any blocks, alone or in batches, it answers as the model does", body: commits),
        Check(name: "commits and rollbacks in any order equal a replay from genesis", body: rollback),
        Check(name: "a block that does not fit is refused by name and changes nothing", body: refusals),
        Check(name: "a chain begins with its own genesis only", body: genesis),
        Check(name: "a range of blocks ends at its count, its bytes, or the tip, but has one", body: ranges),
        Check(name: "outputs, unspent outputs of a script and its history come in pages", body: pages),
        Check(name: "without the index of addresses everything else works", body: withoutIndex),
        Check(name: "undo records are kept as deep as asked in blocks and in slots", body: undoDepth),
        Check(name: "a snapshot does not see what is written after it began", body: isolation),
        Check(name: "validator sets are found by hash, and where they change", body: validators),
    ]
}

/// A check at work.
struct CheckRun {
    let name: String
    let makeStore: StoreConformance.MakeStore

    func store(_ chain: ModelChain, _ options: StoreOptions = StoreOptions()) throws -> any ChainStoring {
        try makeStore(chain.genesis, options)
    }

    func expect(_ condition: Bool, _ detail: @autoclosure () -> String) throws {
        guard condition else { throw StoreConformance.Violation(check: name, detail: detail()) }
    }

    func expect(_ store: any ChainStoring, answersAs chain: ModelChain, _ detail: String) throws {
        let view = try StoreView(store, asking: chain)
        let expected = StoreView(expected: chain)
        try expect(view == expected, "\(detail): \(view.difference(from: expected))")
    }

    func expect(_ code: StoreFailure.Code, _ detail: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let failure as StoreFailure where failure.code == code {
            return
        } catch {
            throw StoreConformance.Violation(check: name, detail: "\(detail): \(error), not \(code.rawValue)")
        }
        throw StoreConformance.Violation(check: name, detail: "\(detail): no failure, not \(code.rawValue)")
    }
}
