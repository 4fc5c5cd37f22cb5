import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

/// Looks things up in one view of the chain for a caller, who is told where the history begins when it lacks
/// what he asks for.
struct ChainQuery {
    let reader: any ChainReading

    /// A transaction in a block that is kept.
    struct Found {
        let checked: CheckedTransaction
        let header: BlockHeader
    }

    func tip() throws -> ChainTip {
        guard let tip = try reader.tip() else {
            throw RPCError(.warmingUp, "warming-up", "the chain is not open yet")
        }
        return tip
    }

    /// The height that a text names, by number or hash.
    func height(_ text: String) throws -> Height {
        if let height = UInt64(text), text.count < 20 {
            try check(height)
            return height
        }
        guard let hash = Hash256(hex: text) else {
            throw RPCError(.invalidParameter, "bad-block", "\(text) is neither a height nor a block hash")
        }
        guard let height = try reader.height(of: hash) else {
            let first = try reader.base().headersFrom
            throw RPCError(
                .notFound, "unknown-block",
                "no final block\(first == 0 ? "" : " from height \(first) on") has the hash \(hash)",
                hint: first == 0 ? nil : ChainQuery.elsewhere("headers", first))
        }
        return height
    }

    func hash(at height: Height) throws -> Hash256 {
        try check(height)
        guard let hash = try reader.hash(at: height) else { throw try prunedHeader(height) }
        return hash
    }

    func header(at height: Height) throws -> BlockHeader {
        guard let header = try reader.header(at: height) else { throw try prunedHeader(height) }
        return header
    }

    /// The encoded block.
    func block(at height: Height) throws -> [UInt8] {
        guard let bytes = try reader.block(at: height) else {
            throw try pruned("the block at height \(height)")
        }
        return bytes
    }

    /// `nil` for genesis.
    func certificate(at height: Height) throws -> Certificate? {
        guard height > 0 else { return nil }
        guard let bytes = try reader.certificate(at: height) else {
            throw try pruned("the certificate of the block at height \(height)")
        }
        return try Certificate(decoding: bytes)
    }

    /// - Returns: `nil` for what no block from the beginning of the history on has.
    func transaction(_ txid: Hash256) throws -> Found? {
        guard let location = try reader.location(of: txid) else { return nil }
        guard let bytes = try reader.block(at: location.height) else {
            throw try pruned("the block at height \(location.height) with transaction \(txid)")
        }
        let block = try Block(decoding: bytes)
        guard let transaction = block.transactions.element(Int(location.index)) else {
            throw StoreFailure(.corrupt, "block \(location.height) has no transaction \(location.index)")
        }
        return Found(checked: try CheckedTransaction(checking: transaction), header: block.header)
    }

    /// Refuses heights above the tip.
    private func check(_ height: Height) throws {
        let tip = try tip().height
        guard height <= tip else {
            throw RPCError(.invalidParameter, "unknown-block", "height \(height) is above the tip \(tip)")
        }
    }

    // MARK: - What is no longer here

    /// Something that stands in blocks, or beside them.
    func pruned(_ what: String) throws -> RPCError {
        RPCError(
            .notFound, "pruned", "this node does not have \(what)",
            hint: ChainQuery.elsewhere("blocks", try reader.base().blocksFrom))
    }

    private func prunedHeader(_ height: Height) throws -> RPCError {
        RPCError(
            .notFound, "pruned", "this node does not have the header at height \(height)",
            hint: ChainQuery.elsewhere("headers", try reader.base().headersFrom))
    }

    private static func elsewhere(_ what: String, _ first: Height) -> String {
        "its \(what) begin at height \(first); ask a node that keeps more of the chain for older ones"
    }

    /// For answers: whether there is less than the whole history, and where what is there begins.
    func base() throws -> [JSONValue.Member] {
        let base = try reader.base()
        return [
            JSONValue.Member("pruned", .bool(base != .whole)),
            JSONValue.Member("blocksfrom", .integer(base.blocksFrom)),
            JSONValue.Member("headersfrom", .integer(base.headersFrom)),
        ]
    }
}

extension Array {
    /// The element at an index from outside; `nil` beyond the last.
    func element(_ index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
