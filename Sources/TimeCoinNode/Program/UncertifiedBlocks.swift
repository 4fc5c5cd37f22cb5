import Logging
import TimeCoinCore
import TimeCoinStore

/// Blocks at the tip whose commit certificate is missing or proves nothing: an interrupted import, a restored
/// or damaged store. No peer would take them, and nothing may be decided on top of them.
enum UncertifiedBlocks {
    /// Blocks taken back at a start; a store with more of them is refused.
    static let blocksMax = 1000
    /// From so many on it is an error in the log, no longer a warning. Unit: blocks.
    static let alarming = 10

    /// Takes back the blocks above the last certified one, or genesis.
    ///
    /// - Returns: the state to go on from, and what was undone, in the order of heights.
    /// - Throws: ``StoreFailure``: `corrupt` for more than ``blocksMax``, else as the store.
    static func rollBack(
        _ store: some ChainStoring, from tip: ChainState, logger: Logger
    ) throws -> (state: ChainState, undone: [CheckedBlock]) {
        var state = tip
        var undone: [CheckedBlock] = []
        while state.height > 0, try !isCertified(state, in: store) {
            guard undone.count < blocksMax else {
                throw StoreFailure(
                    .corrupt, "more than \(blocksMax) blocks without a certificate at the tip")
            }
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
        guard state.height < tip.height else { return (tip, []) }
        logger.log(
            level: undone.count < alarming ? .warning : .error,
            "took back blocks without a commit certificate",
            metadata: ["from": "\(tip.height)", "to": "\(state.height)"])
        return (state, undone.reversed())
    }

    /// Whether the stored certificate proves that the tip was decided. The set of a height is that of the
    /// state after it, as of every state.
    private static func isCertified(_ state: ChainState, in store: some ChainStoring) throws -> Bool {
        guard let bytes = try store.snapshot({ try $0.certificate(at: state.height) }),
            let certificate = try? Certificate(decoding: bytes), certificate.kind == .commit,
            certificate.height == state.height, certificate.value == state.headerHash
        else { return false }
        let verified = try? VerifiedCertificate(
            certificate, validators: state.validators, chain: state.votingChain)
        return verified != nil
    }
}
