import TimeCoinConsensus
import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

extension NodeAPI {
    /// The height that a parameter names, by number or hash.
    func height(_ parameters: CallParameters, _ reader: any ChainReading) throws -> Height {
        let text = parameters.token("block") ?? ""
        let tip = try reader.tip()?.height ?? 0
        if let height = UInt64(text), text.count < 20 {
            guard height <= tip else {
                throw RPCError(.invalidParameter, "unknown-block", "height \(height) is above the tip \(tip)")
            }
            return height
        }
        guard let hash = Hash256(hex: text) else {
            throw RPCError(.invalidParameter, "bad-block", "\(text) is neither a height nor a block hash")
        }
        guard let height = try reader.height(of: hash) else {
            throw RPCError(.notFound, "unknown-block", "no final block has the hash \(hash)")
        }
        return height
    }

    func blockHash(_ parameters: CallParameters) throws -> JSONValue {
        let height = UInt64(max(0, try parameters.integer("height") ?? 0))
        guard let hash = try store.snapshot({ try $0.hash(at: height) }) else {
            throw RPCError(
                .invalidParameter, "unknown-block", "height \(height) is above the tip \(try tip().height)")
        }
        return .string(hash.description)
    }

    func block(_ parameters: CallParameters) throws -> JSONValue {
        try store.snapshot { reader in
            let height = try height(parameters, reader)
            guard let bytes = try reader.block(at: height), let block = try? CheckedBlock(decoding: bytes)
            else {
                throw RPCError(.internalError, "corrupt-block", "the block at \(height) cannot be read")
            }
            let certificate = try reader.certificate(at: height).flatMap { try? Certificate(decoding: $0) }
            let state = try reader.state().flatMap { try? ChainState(decoding: $0) }
            return Rendering(network: network).block(
                block, certificate: certificate, validators: state?.validators)
        }
    }

    func header(_ parameters: CallParameters) throws -> JSONValue {
        try store.snapshot { reader in
            let height = try height(parameters, reader)
            guard let header = try reader.header(at: height) else {
                throw RPCError(.internalError, "corrupt-block", "the header at \(height) cannot be read")
            }
            return .object(Rendering(network: network).header(header, hash: header.hash))
        }
    }

    func chainInfo() async throws -> JSONValue {
        let (state, best) = await core.read { ($0.state, $0.catchUp.best) }
        return .object([
            "chain": .string(network.rawValue), "blocks": .integer(state.height),
            "bestblockhash": .string(state.headerHash.description),
            "time": .integer(state.header.time.milliseconds), "slot": .integer(state.slot),
            "syncing": .bool(best > state.height + 1),
            "stateroot": .string(state.header.stateRoot.description),
            "genesishash": .string(state.chain.description),
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
        guard let txid = parameters.string("txid").flatMap({ Hash256(hex: $0) }) else {
            throw RPCError(.invalidParameter, "bad-txid", "a transaction identifier is 64 hexadecimal digits")
        }
        // The mempool first: a transaction leaves it only after the store has it.
        if let entry = await core.read({ $0.mempool.entry(txid) }) {
            return Found(checked: entry.checked, height: nil, block: nil)
        }
        let final = try store.snapshot { reader -> Found? in
            guard let location = try reader.location(of: txid),
                let bytes = try reader.block(at: location.height), let block = try? Block(decoding: bytes),
                block.transactions.indices.contains(Int(location.index)),
                let checked = try? CheckedTransaction(checking: block.transactions[Int(location.index)])
            else { return nil }
            return Found(checked: checked, height: location.height, block: block.header.hash)
        }
        if let final { return final }
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
