import Logging
package import TimeCoinCore
package import TimeCoinStore

/// Blocks at the tip whose commit certificate is missing or proves nothing: an interrupted import, a restored
/// or damaged store. No peer would take them, and nothing may be decided on top of them.
package enum UncertifiedBlocks {
    /// Blocks taken back; a store with more of them is refused. Unit: blocks.
    static let blocksMax = 1000

    /// How loudly it is told that blocks were taken back.
    enum Alarm: Hashable {
        case quiet
        case alert
        case loud

        /// From so many blocks on. Unit: blocks.
        static let alertFrom = 10
        /// From so many blocks on. Unit: blocks.
        static let loudFrom = 100

        init(count: Int) {
            self = count < Alarm.alertFrom ? .quiet : count < Alarm.loudFrom ? .alert : .loud
        }

        var level: Logger.Level {
            switch self {
            case .quiet: .warning
            case .alert: .error
            case .loud: .critical
            }
        }
    }

    /// A block without a valid certificate.
    package struct Found: Hashable, Sendable {
        package let height: Height
        package let hash: Hash256
    }

    /// The blocks above the last certified one, or genesis, from the tip downwards; nothing is changed.
    ///
    /// - Parameter tip: the state after the tip, as stored.
    /// - Throws: ``StoreFailure``: `corrupt` for more than ``blocksMax`` and where the set that decided a
    ///   block is not known, `noUndo` where one cannot be taken back.
    package static func find(in store: some ChainStoring, tip: ChainState) throws -> [Found] {
        try store.snapshot { reader in
            var state = tip
            var bytes = try reader.state() ?? []
            var found: [Found] = []
            while state.height > 0, try !isCertified(state, in: reader) {
                guard found.count < blocksMax else {
                    throw StoreFailure(
                        .corrupt, "more than \(blocksMax) blocks without a certificate at the tip")
                }
                found.append(Found(height: state.height, hash: state.headerHash))
                guard let undo = try reader.undo(at: state.height) else {
                    throw StoreFailure(.noUndo, "there is no undo record of block \(state.height)")
                }
                guard let previous = undo.previousState(after: bytes) else {
                    throw StoreFailure(
                        .corrupt, "the undo record of block \(state.height) is not of the state after it")
                }
                bytes = previous
                state = try ChainState(decoding: bytes)
            }
            return found
        }
    }

    /// Takes back the blocks above the last certified one, or genesis.
    ///
    /// - Returns: the state to go on from, and what was undone, in the order of heights.
    /// - Throws: as ``find(in:tip:)``, with nothing changed; else as the store.
    static func rollBack(
        _ store: some ChainStoring, from tip: ChainState, logger: Logger
    ) throws -> (state: ChainState, undone: [CheckedBlock]) {
        let count = try find(in: store, tip: tip).count
        guard count > 0 else { return (tip, []) }
        let (state, undone) = try takeBack(count, from: tip, in: store)
        logger.log(
            level: Alarm(count: count).level, "took back blocks without a commit certificate",
            metadata: ["from": "\(tip.height)", "to": "\(state.height)"])
        return (state, undone)
    }

    /// Takes back so many blocks, which ``find(in:tip:)`` has found.
    ///
    /// - Returns: the state after the new tip, and what was undone, in the order of heights, so far as it can
    ///   be read.
    static func takeBack(
        _ count: Int, from tip: ChainState, in store: some ChainStoring
    ) throws -> (state: ChainState, undone: [CheckedBlock]) {
        var state = tip
        var undone: [CheckedBlock] = []
        for _ in 0..<count {
            if let block = try store.snapshot({ try $0.block(at: state.height) }),
                let checked = try? CheckedBlock(decoding: block)
            {
                undone.append(checked)
            }
            try store.rollbackTip()
            guard let bytes = try store.snapshot({ try $0.state() }) else {
                throw StoreFailure(.corrupt, "no state after taking back height \(state.height)")
            }
            state = try ChainState(decoding: bytes)
        }
        return (state, undone.reversed())
    }

    /// Whether the stored certificate proves that the tip was decided.
    ///
    /// - Throws: ``StoreFailure``: `corrupt` when the set that decided the block is not known: nobody can
    ///   tell then, and what may be certified must not be taken back.
    static func isCertified(_ state: ChainState, in reader: any ChainReading) throws -> Bool {
        guard let bytes = try reader.certificate(at: state.height),
            let certificate = try? Certificate(decoding: bytes), certificate.kind == .commit,
            certificate.height == state.height, certificate.value == state.headerHash
        else { return false }
        let validators = try deciders(of: state, in: reader)
        let verified = try? VerifiedCertificate(
            certificate, validators: validators, chain: state.votingChain)
        return verified != nil
    }

    /// The set that decided a block: its header names it. The set of the state after it decides the next
    /// one, and is another where the block changes the set.
    private static func deciders(of state: ChainState, in reader: any ChainReading) throws -> ValidatorSet {
        let hash = state.header.validators
        if state.validators.hash == hash { return state.validators }
        guard let validators = try reader.validatorSet(hash) else {
            throw StoreFailure(
                .corrupt, "the validator set \(hash), which decided block \(state.height), is missing")
        }
        return validators
    }
}
