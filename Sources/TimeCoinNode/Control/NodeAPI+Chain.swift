import TimeCoinConsensus
import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

extension NodeAPI {
    func blockHash(_ parameters: CallParameters) throws -> JSONValue {
        let height = UInt64(clamping: try parameters.integer("height") ?? 0)
        return .string(try store.snapshot { try ChainQuery(reader: $0).hash(at: height) }.description)
    }

    /// 0: hexadecimal; 1: with identifiers of its transactions; 2: with its transactions.
    func block(_ parameters: CallParameters) throws -> JSONValue {
        let verbosity = try parameters.integer("verbosity") ?? 1
        guard (0...2).contains(verbosity) else {
            throw RPCError(.invalidParameter, "bad-parameter", "verbosity is 0, 1 or 2")
        }
        let (bytes, certificate, validators) = try store.snapshot { reader in
            let query = ChainQuery(reader: reader)
            let height = try query.height(parameters.token("block") ?? "")
            let bytes = try query.block(at: height)
            let set = try query.header(at: height).validators
            return (bytes, try query.certificate(at: height), try reader.validatorSet(set))
        }
        guard verbosity > 0 else { return .string(Hexadecimal.encode(bytes)) }
        return Rendering(network: network).block(
            try CheckedBlock(decoding: bytes), certificate: certificate, validators: validators,
            withTransactions: verbosity == 2)
    }

    func header(_ parameters: CallParameters) throws -> JSONValue {
        try store.snapshot { reader in
            let query = ChainQuery(reader: reader)
            let header = try query.header(at: try query.height(parameters.token("block") ?? ""))
            return .object(Rendering(network: network).header(header, hash: header.hash))
        }
    }

    func chainInfo() async throws -> JSONValue {
        let (state, best) = await core.read { ($0.state, $0.catchUp.best) }
        let base = try store.snapshot { try $0.base() }
        return .object([
            "chain": .string(network.rawValue), "blocks": .integer(state.height),
            "bestblockhash": .string(state.headerHash.description),
            "time": .integer(state.header.time.milliseconds), "slot": .integer(state.slot),
            "syncing": .bool(best > state.height + 1),
            "stateroot": .string(state.header.stateRoot.description),
            "genesishash": .string(state.chain.description),
            "pruned": .bool(base != .whole), "blocksfrom": .integer(base.blocksFrom),
            "headersfrom": .integer(base.headersFrom),
            "validators": .string(state.validators.hash.description), "outputs": .integer(state.outputCount),
            "supply": .object([
                "unspent": .string(state.supply.unspent.description),
                "accrued": .string(state.supply.accrued.description),
                "remainder": .string(state.supply.remainder.description),
                "burned": .string(state.supply.burned.description),
                "total": .string((state.supply.total ?? .zero).description),
                "scheduled": .string(
                    (state.supply.scheduled(slot: state.slot, subsidy: state.parameters.subsidy) ?? .zero)
                        .description),
            ]),
        ])
    }

    // MARK: - Transactions

    private struct Found {
        let checked: CheckedTransaction
        /// `nil` while it waits.
        let height: Height?
        let block: Hash256?
    }

    private func find(_ parameters: CallParameters) async throws -> Found {
        let txid = try txid(parameters)
        // The mempool first: a transaction leaves it only after the store has it.
        if let entry = await core.read({ $0.mempool.entry(txid) }) {
            return Found(checked: entry.checked, height: nil, block: nil)
        }
        let (final, first) = try store.snapshot { reader in
            (try ChainQuery(reader: reader).transaction(txid), try reader.base().blocksFrom)
        }
        if let final {
            return Found(checked: final.checked, height: final.header.height, block: final.header.hash)
        }
        guard first == 0 else {
            throw RPCError(
                .notFound, "unknown-transaction",
                "neither the mempool nor a block from height \(first) on has \(txid)",
                hint: "ask a node that keeps more of the chain: the blocks of this one begin there")
        }
        throw RPCError(
            .notFound, "unknown-transaction", "neither the chain nor the mempool has \(txid)",
            hint: "a transaction that was dropped may be submitted again")
    }

    func rawTransaction(_ parameters: CallParameters) async throws -> JSONValue {
        let found = try await find(parameters)
        if try parameters.bool("verbose") ?? false {
            return Rendering(network: network).transaction(found.checked)
        }
        return .string(Hexadecimal.encode(found.checked.transaction.encoded))
    }

    func transaction(_ parameters: CallParameters) async throws -> JSONValue {
        let found = try await find(parameters)
        let tip = try tip().height
        guard case .object(let members) = Rendering(network: network).transaction(found.checked) else {
            return .null
        }
        return .object(
            [
                JSONValue.Member("txid", .string(found.checked.txid.description)),
                JSONValue.Member("height", found.height.map { .integer($0) } ?? .null),
                JSONValue.Member("final", .bool(found.height != nil)),
                JSONValue.Member("confirmations", .integer(found.height.map { tip - min($0, tip) + 1 } ?? 0)),
                JSONValue.Member("blockhash", .optional(found.block?.description)),
            ] + members.filter { $0.name != "txid" })
    }

    func decoded(_ parameters: CallParameters) throws -> CheckedTransaction {
        try TransactionForm.checked(hex: parameters.string("hex"))
    }

    /// Submitting the same transaction again is harmless.
    func sendRaw(_ parameters: CallParameters) async throws -> JSONValue {
        let checked = try decoded(parameters)
        do {
            try await intake.submit(checked)
        } catch {
            switch error {
            case .alreadyWaiting, .alreadyFinal: break
            default: throw error.asError
            }
        }
        return .string(checked.txid.description)
    }
}

extension MempoolRejection {
    /// As an answer.
    var asError: RPCError {
        switch self {
        case .alreadyFinal: RPCError(.alreadyInChain, reason, description)
        case .rule(let rejection) where rejection.rule == .missingInput:
            RPCError(.verification, reason, description, hint: "its inputs may be spent, or not final yet")
        default: RPCError(.rejected, reason, description)
        }
    }
}
