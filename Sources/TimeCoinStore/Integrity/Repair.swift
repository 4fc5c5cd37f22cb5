import TimeCoinCore

/// Finds out what a damaged record has been.
struct Repair {
    enum Remedy {
        case put([UInt8])
        /// It is right as it is.
        case keep
        /// There is nothing under this key in a sound database.
        case remove
        case needsBlock(Height)
        case impossible(String)
        /// It goes, and with it the undo records below.
        case forget(Height)
    }

    let reader: ChainReader
    let tip: ChainTip
    let base: HistoryBase
    let near: Height?
    /// Sets of validators that are known from elsewhere.
    let sets: [ValidatorSet]

    /// Headers passed over while searching for one that leads to another.
    static let linkedMax: UInt64 = 1024
    /// Headers looked at for one with a hash.
    static let headersScannedMax: UInt64 = 1 << 20
    /// Outputs ever created of a chain whose outputs are searched for those of a transaction.
    static let outputsScannedMax: UInt64 = 1 << 20

    /// `nil` where not even the tip can be read.
    init?(
        _ reader: ChainReader, near height: Height?, knowing sets: [ValidatorSet] = []
    ) throws(StoreFailure) {
        guard let tip = try reader.sound({ reader throws(StoreFailure) in try reader.tip() }) ?? nil,
            let base = try reader.sound({ reader throws(StoreFailure) in try reader.base() })
        else { return nil }
        self.reader = reader
        self.tip = tip
        self.base = base
        near = height
        self.sets = sets
    }

    var search: BlockSearch { BlockSearch(reader: reader, tip: tip, base: base) }

    func hasHeader(_ height: Height) -> Bool { height >= base.headersFrom && height <= tip.height }
    func hasBlock(_ height: Height) -> Bool { height >= base.blocksFrom && height <= tip.height }
    func hasCertificate(_ header: BlockHeader) -> Bool {
        hasBlock(header.height)
            || hasHeader(header.height) && (header.kind == .scheduled || header.height == base.headersFrom)
    }

    func remedy(_ table: Table, _ key: RecordKey) throws(StoreFailure) -> Remedy {
        guard let part = ScrubbedTable(rawValue: table.identifier) else {
            return .impossible("\(table.name) is not known")
        }
        switch part {
        case .state: return .impossible("no other record holds the state")
        case .headers: return try header(key)
        case .heights: return try height(key)
        case .blocks:
            guard let height = key.number, hasBlock(height) else { return .remove }
            return try search.block(at: height) == nil ? .needsBlock(height) : .keep
        case .certificates: return try certificate(key)
        case .undo:
            return try undo(key)
        case .outputs: return try output(key)
        case .transactions: return try transaction(key)
        case .nodes: return try node(key)
        case .chunks: return try chunk(key)
        case .addresses: return try address(key)
        case .leaves: return try leaves(key)
        case .history: return try history(key)
        case .validatorSets: return try validatorSet(key)
        case .setChanges:
            guard let height = key.number, hasHeader(height) else { return .remove }
            guard let header = try reader.header(at: height) else { return .needsBlock(height) }
            return header.nextValidators == header.validators ? .remove : .put([])
        case .sweeps:
            guard let index = key.number, index < CommitmentPath.chunkCount(tip.leafCount) else {
                return .remove
            }
            return .put([])
        case .sums: return .impossible("nothing else says what the tables hold")
        case .quarantine:
            if let kept = try reader.sound({ reader throws(StoreFailure) in
                try reader.transaction.record(table, key)
            }) ?? nil, QuarantinedRecord(kept) != nil {
                return .keep
            }
            let raw = try reader.transaction.raw(table, key, bytesMax: QuarantinedRecord.bytesMax) ?? []
            return .put(QuarantinedRecord(height: tip.height, raw: raw).encoded)
        }
    }

    // MARK: - Headers

    /// The hash of the block at a height by what is above it; `nil` where that cannot be read either.
    func hash(at height: Height) throws(StoreFailure) -> Hash256? {
        guard height <= tip.height else { return nil }
        var top = height
        var hash = tip.hash
        while top < tip.height, top - height < Repair.linkedMax {
            let above =
                try reader.sound { reader throws(StoreFailure) in
                    try reader.headerRecord(at: top + 1)
                } ?? nil
            if let above, above.hash == above.header.hash, above.header.height == top + 1 {
                hash = above.header.previous
                break
            }
            top += 1
        }
        guard top == tip.height || top - height < Repair.linkedMax else { return nil }
        while top > height {
            guard let header = try header(inBlock: top, hash) else { return nil }
            hash = header.previous
            top -= 1
        }
        return hash
    }

    private func header(inBlock height: Height, _ hash: Hash256) throws(StoreFailure) -> BlockHeader? {
        guard hasBlock(height) else { return nil }
        let bytes = try reader.sound { reader throws(StoreFailure) in try reader.block(at: height) } ?? nil
        guard let bytes,
            let header = try? ByteReader.decode(
                Array(bytes.prefix(BlockHeader.byteCount)),
                { reader throws(DecodingFailure) in try BlockHeader(from: &reader) }),
            header.hash == hash, header.height == height
        else { return nil }
        return header
    }

    private func header(_ key: RecordKey) throws(StoreFailure) -> Remedy {
        guard let height = key.number, hasHeader(height) else { return .remove }
        guard let hash = try hash(at: height) else {
            return .impossible("what is above header \(height) is damaged, too")
        }
        guard let header = try header(inBlock: height, hash) else { return .needsBlock(height) }
        return .put(HeaderRecord(hash: hash, header: header).encoded)
    }

    private func height(_ key: RecordKey) throws(StoreFailure) -> Remedy {
        guard let hash = key.hash else { return .remove }
        if let near, try header(at: near)?.hash == hash { return .put(ByteWriter.number(near)) }
        var height = tip.height
        var isWhole = true
        while tip.height - height < Repair.headersScannedMax {
            let found = try header(at: height)
            if found?.hash == hash { return .put(ByteWriter.number(height)) }
            isWhole = isWhole && found != nil
            guard height > base.headersFrom else {
                return isWhole ? .remove : .impossible("a header is damaged, which may be that of \(hash)")
            }
            height -= 1
        }
        return .impossible("\(hash) is none of the last \(Repair.headersScannedMax) headers")
    }

    private func header(at height: Height) throws(StoreFailure) -> HeaderRecord? {
        try reader.sound { reader throws(StoreFailure) in try reader.headerRecord(at: height) } ?? nil
    }

    private func certificate(_ key: RecordKey) throws(StoreFailure) -> Remedy {
        guard let height = key.number, hasHeader(height) else { return .remove }
        guard height > 0 else { return .put([]) }
        guard let header = try header(at: height)?.header else { return .needsBlock(height) }
        guard hasCertificate(header) else { return .remove }
        let kept =
            try reader.sound { reader throws(StoreFailure) in
                try reader.certificate(at: height)
            } ?? nil
        return kept.map { Certificate.isCommit($0, of: header) } == true ? .keep : .needsBlock(height)
    }

    private func undo(_ key: RecordKey) throws(StoreFailure) -> Remedy {
        guard let height = key.number, height <= tip.height, height > 0 else { return .remove }
        let kept = try reader.sound { reader throws(StoreFailure) in try reader.undo(at: height) } ?? nil
        if let kept, kept.previousTip.height == height - 1,
            try header(at: height)?.header.previous == kept.previousTip.hash
        {
            return .keep
        }
        return .forget(height)
    }

    private func validatorSet(_ key: RecordKey) throws(StoreFailure) -> Remedy {
        let bytes = try reader.sound { reader throws(StoreFailure) in try reader.state() } ?? nil
        let last = bytes.flatMap { try? ChainState(decoding: $0) }?.validators
        guard let set = ([last].compactMap { $0 } + sets).first(where: { $0.hash == key.hash }) else {
            return .impossible("no other record holds this set of validators")
        }
        var writer = ByteWriter()
        set.encode(into: &writer)
        return .put(writer.bytes)
    }
}
