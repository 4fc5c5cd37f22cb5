import TimeCoinCore

/// A database that comes into being from a verified snapshot, segment by segment.
///
/// It lies in a directory of its own until it is whole: whatever stops the loading leaves the directory to be
/// thrown away and nothing else.
public final class SnapshotLoading {
    private let snapshot: VerifiedSnapshot
    private let environment: Environment
    private let tables: ChainTables
    private let options: StoreOptions
    private let lock: any DirectoryLocking
    private var next = 0
    private var hasFailed = false
    private var range = RangeBuilder(.outputs, level: LeafGroup.levels)
    private var spentRange = RangeBuilder(.spent, level: 0)
    private var unspent: UInt64 = 0
    private var values = Amount.zero
    /// Outputs of the transaction that the last ones belong to; it may go on in the next segment.
    private var open: (identifier: Hash256, outputs: [UnspentOutput])?

    /// - Parameter directory: made when missing; it must hold no database.
    /// - Throws: ``StoreFailure``: `exists`, `locked`, `networkFileSystem`, `io`, `full`.
    public init(
        _ snapshot: VerifiedSnapshot, into directory: String, options: StoreOptions = StoreOptions()
    ) throws(StoreFailure) {
        self.snapshot = snapshot
        self.options = options
        let files = PosixFileSystem()
        try files.createDirectory(directory)
        lock = try files.lock(directory)
        guard try files.names(in: directory)?.contains("data.mdb") != true else {
            throw StoreFailure(.exists, "there is a database in \(directory)")
        }
        environment = try Environment(directory: directory, mapBytes: options.mapBytes)
        let identity = try ChainStore.identity(environment, chain: snapshot.state.chain, options)
        tables = try ChainTables(environment, checksumKey: identity.checksumKey)
        try files.syncDirectory(directory)
    }

    /// The segment that comes next; ``VerifiedSnapshot/segmentCount`` when all are there.
    public var nextSegment: Int { next }

    /// Writes the next segments in one transaction.
    ///
    /// - Throws: ``StoreFailure``: `outOfOrder` for another segment than the next one.
    public func add(_ segments: [SnapshotSegment]) throws(StoreFailure) {
        for (place, segment) in segments.enumerated() where segment.index != next + place {
            throw StoreFailure(.outOfOrder, "segment \(segment.index) instead of \(next + place)")
        }
        // What is counted beside the database would be counted twice.
        guard !hasFailed else { throw StoreFailure(.latched, "an earlier segment was not written") }
        hasFailed = true
        try environment.write { transaction throws(StoreFailure) in
            let writer = ChainWriter(transaction, tables, options)
            for segment in segments { try write(segment, writer) }
            try writer.writeSums()
        }
        hasFailed = false
        next += segments.count
    }

    private func write(_ segment: SnapshotSegment, _ writer: ChainWriter) throws(StoreFailure) {
        let first = UInt64(segment.index) * SnapshotManifest.segmentPositions / LeafGroup.size
        try writer.append(segment.spent.bytes, tables.chunks, RecordKey(UInt64(segment.index)))
        try write(spentRange.add(Blake2b.hash256(.spentChunk, segment.spent.bytes)), writer)
        let chunkKey = CommitmentNodeKey(tree: .spent, level: 0, index: UInt64(segment.index))
        try writer.overwrite(
            Blake2b.hash256(.spentChunk, segment.spent.bytes).bytes, tables.nodes, RecordKey(chunkKey))
        for (place, group) in segment.leafGroups.enumerated() {
            guard let group else { continue }
            try writer.append(group.encoded, tables.leaves, RecordKey(first + UInt64(place)))
        }
        for (place, node) in segment.groupNodes.enumerated() {
            let key = CommitmentNodeKey(
                tree: .outputs, level: LeafGroup.levels, index: first + UInt64(place))
            try writer.overwrite(node.bytes, tables.nodes, RecordKey(key))
            try write(range.add(node), writer)
        }
        for output in segment.outputs { try write(output, writer) }
        try writer.changeAddresses(
            removing: [], adding: segment.outputs.map { (outPoint: $0.outPoint, entry: $0.entry) })
    }

    private func write(
        _ nodes: [(key: CommitmentNodeKey, hash: Hash256)], _ writer: ChainWriter
    ) throws(StoreFailure) {
        for (key, hash) in nodes { try writer.overwrite(hash.bytes, tables.nodes, RecordKey(key)) }
    }

    private func write(_ output: UnspentOutput, _ writer: ChainWriter) throws(StoreFailure) {
        var bytes = ByteWriter(reserving: 128)
        OutputRecord.encode(output.outPoint, output.entry, into: &bytes)
        try writer.append(bytes.bytes, tables.outputs, RecordKey(output.entry.position))
        unspent += 1
        values = values.adding(output.entry.output.value) ?? values
        if open?.identifier == output.outPoint.transaction {
            open?.outputs.append(output)
        } else {
            try closeTransaction(writer)
            open = (output.outPoint.transaction, [output])
        }
    }

    /// Writes the row of a transaction whose outputs have all come: they stand together.
    private func closeTransaction(_ writer: ChainWriter) throws(StoreFailure) {
        guard let (identifier, outputs) = open, let record = TransactionRecord(unspent: outputs) else {
            return
        }
        try writer.insert(record.encoded, tables.transactions, RecordKey(identifier))
        open = nil
    }

    /// Writes the tip, once every segment is there, and closes the database.
    ///
    /// - Throws: ``StoreFailure``: `invalidCommit` before all segments are there, and when the outputs are
    ///   not as many, or not worth as much, as the state says.
    public func finish() throws(StoreFailure) {
        let state = snapshot.state
        guard next == snapshot.segmentCount else {
            throw StoreFailure(
                .invalidCommit, "\(next) of \(snapshot.segmentCount) segments are there")
        }
        guard unspent == state.outputCount, values == state.supply.unspent else {
            throw StoreFailure(
                .invalidCommit, "\(unspent) outputs worth \(values), the state says \(state.outputCount)")
        }
        try environment.write { transaction throws(StoreFailure) in
            let writer = ChainWriter(transaction, tables, options)
            try closeTransaction(writer)
            try writer.begin(at: snapshot)
            try writer.finish()
        }
    }
}

extension ChainWriter {
    /// The tip of a database that has no block before it.
    func begin(at snapshot: VerifiedSnapshot) throws(StoreFailure) {
        let state = snapshot.state
        let height = RecordKey(state.height)
        let header = HeaderRecord(hash: state.headerHash, header: state.header)
        try append(header.encoded, tables.headers, height)
        try insert(ByteWriter.number(state.height), tables.heights, RecordKey(state.headerHash))
        try append(snapshot.manifest.certificate, tables.certificates, height)
        var writer = ByteWriter()
        state.validators.encode(into: &writer)
        try insert(writer.bytes, tables.validatorSets, RecordKey(state.validators.hash))
        let base = HistoryBase(headersFrom: state.height, blocksFrom: state.height + 1)
        let tip = ChainTip(
            height: state.height, hash: state.headerHash, slot: state.slot, outputCount: state.outputCount,
            leafCount: state.commitment.leafCount)
        try overwrite(base.encoded, tables.state, ChainTables.baseKey)
        try overwrite(snapshot.manifest.state, tables.state, ChainTables.stateKey)
        try overwrite(tip.encoded, tables.state, ChainTables.tipKey)
        try writeCommitment(tip.leafCount)
    }
}
