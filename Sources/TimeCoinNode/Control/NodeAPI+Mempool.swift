import TimeCoinControl
import TimeCoinCore

/// What waits, and what it takes not to wait long.
extension NodeAPI {
    func mempoolInfo() async -> JSONValue {
        await core.read { reactor in
            .object([
                "size": .integer(reactor.mempool.count), "bytes": .integer(reactor.mempool.encodedBytes),
                "usage": .integer(reactor.mempool.memoryBytes),
                "maxtransactions": .integer(reactor.mempool.limits.transactionsMax),
                "maxusage": .integer(reactor.mempool.limits.memoryBytesMax),
                "minfeerate": .string(
                    NodeAPI.perThousandBytes(reactor.mempool.rate(forBytesAhead: 0)).description),
            ])
        }
    }

    func mempoolEntry(_ parameters: CallParameters) async throws -> JSONValue {
        guard let txid = parameters.string("txid").flatMap({ Hash256(hex: $0) }) else {
            throw RPCError(.invalidParameter, "bad-txid", "a transaction identifier is 64 hexadecimal digits")
        }
        let now = clock.moment.instant
        let found = await core.read { reactor -> JSONValue? in
            guard let entry = reactor.mempool.entry(txid) else { return nil }
            let children = reactor.mempool.descendants(of: txid).filter { $0 != txid }
            let waited = now.milliseconds - min(entry.arrived.milliseconds, now.milliseconds)
            return .object([
                "txid": .string(txid.description), "wtxid": .string(entry.checked.wtxid.description),
                "size": .integer(entry.checked.size), "fee": .string(entry.fee.description),
                "feerate": .string(NodeAPI.perThousandBytes(entry.rate).description),
                "waitedmilliseconds": .integer(waited),
                "depends": .array(entry.parents.map { .string($0.description) }),
                "descendants": .array(children.map { .string($0.description) }),
            ])
        }
        guard let found else {
            throw RPCError(
                .notFound, "not-waiting", "\(txid) does not wait",
                hint: "`gettransaction` tells whether it is final")
        }
        return found
    }

    /// What a payment should pay to be in one of the next blocks: the least, or more where others wait that
    /// fill them.
    func feeEstimate(_ parameters: CallParameters) async throws -> JSONValue {
        let blocks = Int(clamping: try parameters.integer("blocks") ?? 1)
        guard (1...1000).contains(blocks) else {
            throw RPCError(.invalidParameter, "bad-parameter", "blocks is 1 to 1000, not \(blocks)")
        }
        return await core.read { reactor in
            let rate = reactor.mempool.rate(forBytesAhead: blocks * Block.bytesMax)
            return .object([
                "feerate": .string(NodeAPI.perThousandBytes(rate).description),
                "leastfee": .string((Amount(units: Fees.least) ?? .zero).description),
                "growthprice": .string(reactor.state.growthPrice.description),
                "blocks": .integer(blocks),
            ])
        }
    }

    /// A rate as people compare them, rounded up.
    private static func perThousandBytes(_ rate: FeeRate) -> Amount {
        let (product, overflow) = rate.fee.multipliedReportingOverflow(by: 1000)
        let units = overflow ? UInt64.max : product / rate.size + (product % rate.size == 0 ? 0 : 1)
        return Amount(units: units) ?? .maximum
    }
}
