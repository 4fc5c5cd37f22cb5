import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

/// What the indexes of addresses say of one locking script, in pages.
///
/// Pages are read over views that are held briefly; blocks are decoded outside of them.
struct AddressQuery {
    let store: any ChainStoring
    let network: Network
    let locking: Script

    /// Transactions, or outputs, of a page at most.
    static let itemsMax: Int64 = 100
    /// Unless the caller says otherwise.
    static let itemsDefault: Int64 = 25
    /// Outputs that one balance adds up at most.
    static let balanceOutputsMax = 10_000

    private var address: JSONValue {
        .optional(Address(lockingScript: locking)?.text(on: network))
    }

    /// - Throws: ``RPCError`` `bad-parameter` for a page of another size.
    static func count(_ wanted: Int64?) throws(RPCError) -> Int {
        let count = wanted ?? itemsDefault
        guard (1...itemsMax).contains(count) else {
            throw RPCError(
                .invalidParameter, "bad-parameter", "count is 1 to \(itemsMax)",
                hint: "ask for the next page with the cursor `next` of the answer")
        }
        return Int(count)
    }

    /// A place in the history as `HEIGHT:INDEX`, as the answers write it; nothing is the first page.
    static func place(_ text: String?) throws(RPCError) -> TransactionLocation? {
        guard let text, !text.isEmpty else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let height = UInt64(parts[0]), let index = UInt32(parts[1]) else {
            throw RPCError(
                .invalidParameter, "bad-cursor", "\(text.prefix(40)) is no place in a history",
                hint: "give `next` of the page before, written HEIGHT:INDEX")
        }
        return TransactionLocation(height: height, index: index)
    }

    // MARK: - History

    /// A page of the transactions that create or spend outputs of the script.
    ///
    /// - Parameters:
    ///   - place: the last one of the page before, or `nil` for the first page.
    ///   - newestFirst: else oldest first.
    func history(after place: TransactionLocation?, count: Int, newestFirst: Bool) throws -> JSONValue {
        // One more than asked for tells whether there is a next page.
        let (page, tip, base) = try indexed { reader in
            let query = ChainQuery(reader: reader)
            let page =
                try newestFirst
                ? reader.history(locking: locking, before: place, countMax: count + 1)
                : reader.history(locking: locking, after: place, countMax: count + 1)
            return (page, try query.tip(), try query.base())
        }
        var rows: [JSONValue] = []
        var block: (height: Height, block: Block?)?
        for place in page.prefix(count) {
            if block?.height != place.height { block = (place.height, try self.block(at: place.height)) }
            rows.append(try row(place, in: block?.block, tip: tip.height))
        }
        let next = page.count > count ? page.prefix(count).last.map { "\($0.height):\($0.index)" } : nil
        return .object(
            [
                JSONValue.Member("address", address), JSONValue.Member("height", .integer(tip.height)),
                JSONValue.Member("transactions", .array(rows)), JSONValue.Member("next", .optional(next)),
            ] + base)
    }

    private func block(at height: Height) throws -> Block? {
        try store.snapshot { try $0.block(at: height) }.map { try Block(decoding: $0) }
    }

    /// Without the block there is only the place.
    private func row(_ place: TransactionLocation, in block: Block?, tip: Height) throws -> JSONValue {
        let transaction = block?.transactions.element(Int(place.index))
        let checked = try transaction.map { try CheckedTransaction(checking: $0) }
        let paid = checked?.transaction.outputs.filter { $0.locking == locking }.map(\.value) ?? []
        return .object([
            "txid": .optional(checked?.txid.description), "height": .integer(place.height),
            "index": .integer(place.index), "confirmations": .integer(tip - min(place.height, tip) + 1),
            "blockhash": .optional(block?.header.hash.description),
            "time": block.map { .integer($0.header.time.milliseconds) } ?? .null,
            "kind": .optional(checked.map { "\($0.transaction.kind)" }),
            "received": .optional(checked == nil ? nil : (Amount.sum(paid) ?? .maximum).description),
        ])
    }

    // MARK: - Outputs

    /// A page of unspent outputs in the order in which they were created.
    ///
    /// - Parameter position: of the last one of the page before, or `nil` for the first page.
    func unspent(after position: UInt64?, count: Int) throws -> JSONValue {
        try indexed { reader in
            let tip = try ChainQuery(reader: reader).tip()
            let page = try reader.unspent(locking: locking, after: position, countMax: count + 1)
            let shown = page.prefix(count)
            let next = page.count > count ? shown.last?.entry.position : nil
            return .object([
                "address": address, "height": .integer(tip.height),
                "bestblock": .string(tip.hash.description),
                "outputs": .array(
                    shown.map { output in
                        .object(
                            [
                                JSONValue.Member("txid", .string(output.outPoint.transaction.description)),
                                JSONValue.Member("vout", .integer(output.outPoint.index)),
                            ] + Rendering(network: network).output(output.entry, tip: tip.height))
                    }),
                "next": next.map { .integer($0) } ?? .null,
            ])
        }
    }

    /// What the unspent outputs add up to.
    func balance() throws -> JSONValue {
        let most = AddressQuery.balanceOutputsMax
        let (tip, outputs) = try indexed { reader in
            (
                try ChainQuery(reader: reader).tip(),
                try reader.unspent(locking: locking, after: nil, countMax: most + 1)
            )
        }
        let values = outputs.prefix(most).map(\.entry.output.value)
        return .object([
            "address": address, "height": .integer(tip.height),
            "balance": .string((Amount.sum(values) ?? .maximum).description),
            "outputs": .integer(values.count), "complete": .bool(outputs.count <= most),
        ])
    }

    private func indexed<Result>(_ body: (any ChainReading) throws -> Result) throws -> Result {
        do {
            return try store.snapshot(body)
        } catch let failure as StoreFailure where failure.code == .wrongOptions {
            throw RPCError(
                .notFound, "no-address-index", "the database of this node has no index of addresses",
                hint: "ask another node; the index is chosen when a database is created")
        }
    }
}
