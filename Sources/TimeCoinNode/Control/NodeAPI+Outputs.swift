import Foundation
import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

/// Unspent outputs: one, all in sum, and those of an address.
extension NodeAPI {
    func outPoint(_ parameters: CallParameters) throws -> OutPoint {
        guard let index = try parameters.integer("n").flatMap({ UInt32(exactly: $0) }) else {
            throw RPCError(.invalidParameter, "bad-parameter", "n is below 4,294,967,296")
        }
        return OutPoint(transaction: try txid(parameters), index: index)
    }

    func txid(_ parameters: CallParameters) throws -> Hash256 {
        guard let txid = parameters.string("txid").flatMap({ Hash256(hex: $0) }) else {
            throw RPCError(.invalidParameter, "bad-txid", "a transaction identifier is 64 hexadecimal digits")
        }
        return txid
    }

    /// `null` for what is spent or was never created, as in the field.
    func unspentOutput(_ parameters: CallParameters) async throws -> JSONValue {
        let outPoint = try outPoint(parameters)
        var waiting: OutputEntry?
        if try parameters.bool("mempool") ?? true {
            let (spender, output) = await core.read { reactor in
                (
                    reactor.mempool.spender(of: outPoint),
                    reactor.mempool.output(outPoint, on: reactor.state, slot: reactor.state.slot)
                )
            }
            guard spender == nil else { return .null }
            waiting = output
        }
        let (tip, final) = try store.snapshot { reader in
            (try ChainQuery(reader: reader).tip(), try reader.output(outPoint))
        }
        guard let entry = final ?? waiting else { return .null }
        return .object(
            [JSONValue.Member("bestblock", .string(tip.hash.description))]
                + Rendering(network: network).output(entry, tip: tip.height))
    }

    /// All from the state and the tip: nothing is counted here.
    func outputSetInfo() throws -> JSONValue {
        let (tip, bytes, base) = try store.snapshot { reader in
            let query = ChainQuery(reader: reader)
            return (try query.tip(), try reader.state() ?? [], try query.base())
        }
        let state = try ChainState(decoding: bytes)
        let size = try? FileManager.default.attributesOfItem(atPath: database)[.size] as? Int64
        return .object(
            [
                JSONValue.Member("height", .integer(tip.height)),
                JSONValue.Member("bestblock", .string(tip.hash.description)),
                JSONValue.Member("stateroot", .string(state.roots.root.description)),
                JSONValue.Member("commitment", .string(state.commitment.hash.description)),
                JSONValue.Member("txouts", .integer(state.outputCount)),
                JSONValue.Member("created", .integer(state.commitment.leafCount)),
                JSONValue.Member("total_amount", .string(state.supply.unspent.description)),
                JSONValue.Member("supply", .string((state.supply.total ?? .zero).description)),
                JSONValue.Member("disk_size", (size ?? nil).map { .integer($0) } ?? .null),
            ] + base)
    }

    // MARK: - Addresses

    private func addressQuery(_ parameters: CallParameters) throws -> AddressQuery {
        let address = try TransactionForm.address(parameters.string("address") ?? "", network)
        return AddressQuery(store: store, network: network, locking: address.lockingScript)
    }

    func addressBalance(_ parameters: CallParameters) throws -> JSONValue {
        try addressQuery(parameters).balance()
    }

    func addressOutputs(_ parameters: CallParameters) throws -> JSONValue {
        try addressQuery(parameters).unspent(
            after: try parameters.integer("after").map { UInt64(clamping: $0) },
            count: try AddressQuery.count(try parameters.integer("count")))
    }

    func addressHistory(_ parameters: CallParameters) throws -> JSONValue {
        try addressQuery(parameters).history(
            after: try AddressQuery.place(parameters.string("after")),
            count: try AddressQuery.count(try parameters.integer("count")),
            newestFirst: try parameters.bool("newestfirst") ?? false)
    }
}
