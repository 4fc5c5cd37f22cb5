import Foundation
import TimeCoinCore
import TimeCoinStore

/// The database of a node that does not run, open for one command.
struct NodeDatabase: Sendable {
    let store: ChainStore
    let genesis: Genesis
    let recoveries: [VerifiedRecovery]
    let path: String
    private let directory: NodeDirectory

    /// - Parameters:
    ///   - path: of the database, where it is not the node's own.
    ///   - checking: whether the last blocks are looked at.
    ///   - creating: makes a database of the genesis file where there is none.
    /// - Throws: ``DatabaseFailure``, `StoreFailure`, ``GenesisDocument/Failure``, `Genesis.Failure`.
    init(
        opening directory: NodeDirectory, at path: String? = nil, creating: Bool = false,
        options: StoreOptions? = nil, checking: Bool = true
    ) throws {
        let genesis = try directory.readGenesis()
        self.genesis = genesis
        self.directory = directory
        self.path = path ?? directory.chain
        if path == nil { try DatabaseSwap.settle(directory) }
        guard creating || NodeDatabase.exists(self.path) else {
            throw DatabaseFailure.noDatabase(self.path)
        }
        recoveries = try RecoveryDirectory(directory).recoveries(genesis: genesis.state)
        store = try NodeDatabase.store(
            self.path, genesis.hash,
            try options ?? (creating ? InstanceNumber.storeOptions(directory) : StoreOptions()), directory,
            checking)
    }

    private static func store(
        _ path: String, _ chain: Hash256, _ options: StoreOptions, _ directory: NodeDirectory,
        _ checking: Bool
    ) throws -> ChainStore {
        do {
            return try ChainStore(opening: path, chain: chain, options: options, checking: checking)
        } catch {
            guard error.code != .locked else { throw DatabaseFailure.inUse(directory) }
            throw error
        }
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/\(ChainStore.fileName)")
    }

    /// The state after the tip, as it is stored; genesis is written where nothing is.
    ///
    /// - Throws: ``DatabaseFailure`` `refused` where it goes on from a recovery that is not followed here.
    func state() throws -> ChainState {
        if let bytes = try store.snapshot({ try $0.state() }) {
            let state = try ChainState(decoding: bytes)
            try RecoveryDirectory(directory).require(state, follows: recoveries)
            return state
        }
        try store.commit([BlockCommit(genesis.block, change: genesis.change, certificate: [])])
        return genesis.state
    }
}

extension NodeDirectory {
    /// The beginning of the chain that this directory is of.
    func readGenesis() throws -> Genesis {
        let genesis = try GenesisDocument(reading: genesis).genesis()
        guard genesis.state.parameters.network == network else {
            throw GenesisDocument.Failure(
                description: "\(self.genesis) is of network \(genesis.state.parameters.network.rawValue)")
        }
        return genesis
    }
}
