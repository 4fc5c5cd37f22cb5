public import TimeCoinCore

/// Looks at every record of a database, and recomputes from the records what the certified header says of
/// them.
///
/// It goes on after a damage, so that all of them are listed.
struct ChainVerification {
    let reader: ChainReader
    /// Hash of the genesis block.
    let chain: Hash256
    let followed: FollowedRecoveries
    /// The set that decides the first height with a header, where that is not genesis.
    let trusted: Hash256?
    var report = DatabaseReport()
    private let progress: (VerificationProgress) -> Void
    /// Supply and commitment of the state, where it could be read.
    var state: ChainState?

    /// Between two reports of progress. Unit: steps.
    static let progressInterval: UInt64 = 1024

    init(
        _ reader: ChainReader, chain: Hash256, trusting trusted: Hash256?,
        following recoveries: [VerifiedRecovery],
        progress: @escaping (VerificationProgress) -> Void
    ) {
        self.reader = reader
        self.chain = chain
        self.trusted = trusted
        followed = FollowedRecoveries(chain: chain, recoveries: recoveries)
        self.progress = progress
    }

    private struct Stop: Error {}

    /// - Throws: ``StoreFailure`` for faults of the disk; damage is in the report.
    mutating func run() throws(StoreFailure) -> DatabaseReport {
        do {
            try checkAll()
        } catch let failure as StoreFailure {
            throw failure
        } catch {
            // As many damages as a report lists.
        }
        return report
    }

    private mutating func checkAll() throws {
        guard let tip = try attempt({ try $0.reader.tip() }) ?? nil else {
            for table in reader.tables.counted {
                let count = try attempt { try $0.reader.transaction.count(table) } ?? 0
                if count != 0 {
                    try note(reader.tables.state, ChainTables.tipKey, "missing beside \(table.name)")
                }
            }
            return
        }
        report.height = tip.height
        report.hash = tip.hash
        try attempt { try StartCheck($0.reader).run() }
        guard tip.height < .max, tip.leafCount <= StartCheck.leavesMax else { return }
        try checkState(tip)
        try checkExtents(tip)
        try checkBlocks(tip)
        try checkOutputs(tip)
        try checkTransactions(tip)
        try checkIndexes(tip)
    }

    private mutating func checkState(_ tip: ChainTip) throws {
        let tables = reader.tables
        guard let bytes = try attempt({ try $0.reader.state() }) ?? nil else { return }
        guard let state = try? ChainState(decoding: bytes) else {
            return try note(tables.state, ChainTables.stateKey, "not a state")
        }
        self.state = state
        guard state.headerHash == tip.hash, state.header.hash == tip.hash else {
            return try note(tables.state, ChainTables.stateKey, "not the state after \(tip.hash)")
        }
        if state.roots.root != state.header.stateRoot {
            try note(tables.state, ChainTables.stateKey, "its root is not that of the certified header")
        }
        if let recovery = state.recovery, !followed.leads(to: state) {
            report.unfollowedRecovery = recovery
            try note(
                tables.state, ChainTables.stateKey,
                "it goes on from a recovery that is not followed here, with votes on the chain \(recovery)")
        }
        if state.commitment.leafCount != tip.leafCount || state.outputCount != tip.outputCount {
            try note(tables.state, ChainTables.tipKey, "other counts than the state")
        }
        if let kept = try attempt({ try $0.reader.keptCommitment(tip.leafCount) }), kept != state.commitment {
            try note(tables.state, ChainTables.commitmentKey, "not that of the state")
        }
        guard tip.height > 0,
            let certificate = try attempt({ try $0.reader.certificate(at: tip.height) }) ?? nil
        else { return }
        // The set that the header names, whatever set the state has: a header can be made to name the members
        // over a state of others.
        let named = state.header.validators
        let set =
            state.validators.hash == named
            ? state.validators : try attempt { try $0.reader.validatorSet(named) } ?? nil
        if !proves(certificate, state, by: set) {
            try note(tables.certificates, RecordKey(tip.height), "does not prove the tip")
        }
    }

    private func proves(_ bytes: [UInt8], _ state: ChainState, by set: ValidatorSet?) -> Bool {
        guard let set, set.hash == state.header.validators,
            let certificate = try? Certificate(decoding: bytes), certificate.kind == .commit,
            certificate.height == state.height, certificate.value == state.headerHash
        else { return false }
        let verified = try? VerifiedCertificate(
            certificate, validators: set, chain: followed.votingChain(at: state.height))
        return verified != nil
    }

    // MARK: - Notes

    /// What `body` gives, or `nil` after noting the damage that it met.
    @discardableResult
    mutating func attempt<Value>(_ body: (inout ChainVerification) throws -> Value) throws -> Value? {
        do {
            return try body(&self)
        } catch let failure as StoreFailure {
            guard failure.code == .corrupt else { throw failure }
            let records = failure.damaged.isEmpty ? [.init(table: "", key: [])] : failure.damaged
            for record in records { try note(record, failure.message) }
            return nil
        }
    }

    mutating func note(_ table: Table, _ key: RecordKey, _ reason: String) throws {
        try note(StoreFailure.DamagedRecord(table: table.name, key: key.bytes), reason)
    }

    mutating func note(_ record: StoreFailure.DamagedRecord, _ reason: String) throws {
        // The start check and the phases may meet the same.
        guard !report.damages.contains(where: { $0.record == record }) else { return }
        guard report.damages.count < DatabaseReport.damagesMax else { throw Stop() }
        report.damages.append(DatabaseReport.Damage(record: record, reason: reason))
    }

    mutating func step(_ phase: VerificationProgress.Phase, _ done: UInt64, of total: UInt64) {
        guard done.isMultiple(of: ChainVerification.progressInterval) || done == total else { return }
        progress(VerificationProgress(phase: phase, done: done, total: total))
    }
}

extension ChainStore {
    /// Verifies a whole database that no other process has open.
    ///
    /// - Parameters:
    ///   - chain: hash of the genesis block.
    ///   - validators: hash of the set that decided the first height there is, for a database that does not
    ///     begin with genesis; without it such a database agrees with itself, and nobody says with whom
    ///     else.
    ///   - recoveries: those that the operator follows, in the order of their heights. A database that goes
    ///     on from any other is not sound.
    ///   - progress: called now and then, on this thread.
    /// - Returns: what was found, damage included.
    /// - Throws: ``StoreFailure`` when there is no database that could be verified: `missing`, `locked`,
    ///   `wrongChain`, `wrongOptions`, `formatTooNew`, `formatTooOld`, `io`; `corrupt` when not even its
    ///   identity can be read.
    public static func verify(
        _ directory: String, chain: Hash256, trusting validators: Hash256? = nil,
        following recoveries: [VerifiedRecovery] = [],
        options: StoreOptions = StoreOptions(), progress: @escaping (VerificationProgress) -> Void = { _ in }
    ) throws(StoreFailure) -> DatabaseReport {
        let names = try PosixFileSystem().names(in: directory) ?? []
        guard names.contains("data.mdb") else {
            throw StoreFailure(.missing, "there is no database in \(directory)")
        }
        let store = try ChainStore(opening: directory, chain: chain, options: options, checking: false)
        var found: [DatabaseReport.Damage] = []
        do throws(StoreFailure) {
            try store.environment.checkPages(in: directory, pagesMax: .max)
        } catch {
            guard error.code == .corrupt else { throw error }
            found = error.damaged.map { DatabaseReport.Damage(record: $0, reason: error.message) }
        }
        var report = try store.verification(trusting: validators, following: recoveries, progress)
        report.damages += found
        return report
    }

    /// The same for a store that is open: over one snapshot, which it holds until it ends.
    public func verification(
        trusting validators: Hash256? = nil, following recoveries: [VerifiedRecovery] = [],
        _ progress: @escaping (VerificationProgress) -> Void = { _ in }
    ) throws(StoreFailure) -> DatabaseReport {
        do {
            return try reading { reader in
                var verification = ChainVerification(
                    reader, chain: chain, trusting: validators, following: recoveries,
                    progress: progress)
                return try verification.run()
            }
        } catch let failure as StoreFailure {
            throw failure
        } catch {
            throw StoreFailure(.corrupt, "the verification failed", cause: error)
        }
    }
}
