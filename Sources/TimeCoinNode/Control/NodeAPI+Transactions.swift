import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

/// Making transactions by hand, alone or with other owners.
extension NodeAPI {
    func createTransaction(_ parameters: CallParameters) throws -> JSONValue {
        let transaction = try TransactionForm.unsigned(
            inputs: parameters.json("inputs") ?? .null, outputs: parameters.json("outputs") ?? .null,
            lockTime: try parameters.integer("locktime") ?? 0, network: network)
        do {
            _ = try CheckedTransaction(checking: transaction)
        } catch {
            throw RPCError(.rejected, error.rule.rawValue, error.detail)
        }
        return .string(Hexadecimal.encode(transaction.encoded))
    }

    func signTransaction(_ parameters: CallParameters) async throws -> JSONValue {
        let checked = try TransactionForm.checked(hex: parameters.string("hex"))
        let spent = try await spent(by: checked, TransactionForm.previous(parameters.json("previous")))
        var signing = try signing(checked, spent)
        let type = try TransactionForm.type(parameters.string("type"))
        let keys = try await withWallet { try await wallet.signingKeys() }
        signing.sign(with: keys, type: type)
        return signing.answer
    }

    func combineTransactions(_ parameters: CallParameters) async throws -> JSONValue {
        let transactions = try TransactionForm.list(parameters.json("transactions"))
        let spent = try await spent(
            by: transactions[0], TransactionForm.previous(parameters.json("previous")))
        var signing = try signing(transactions[0], spent)
        for other in transactions.dropFirst() {
            do {
                try signing.combine(with: other.transaction)
            } catch {
                throw error.asError
            }
        }
        return signing.answer
    }

    func testAcceptance(_ parameters: CallParameters) async throws -> JSONValue {
        var answers: [JSONValue] = []
        for checked in try TransactionForm.list(parameters.json("transactions")) {
            let rejection = await intake.test(checked)
            answers.append(
                .object([
                    "txid": .string(checked.txid.description), "wtxid": .string(checked.wtxid.description),
                    "allowed": .bool(rejection == nil), "rejectreason": .optional(rejection?.reason),
                    "detail": .optional(rejection?.description),
                ]))
        }
        return .array(answers)
    }

    func decodeScript(_ parameters: CallParameters) throws -> JSONValue {
        guard let bytes = parameters.string("hex").flatMap(Hexadecimal.decode) else {
            throw RPCError(.deserialization, "bad-hex", "a script is an even number of hexadecimal digits")
        }
        let script = Script(bytes)
        var members: [JSONValue.Member] = [
            JSONValue.Member("asm", .string(ScriptText.disassemble(script))),
            JSONValue.Member("type", .string(StandardScript(script).name)),
            JSONValue.Member("address", .optional(Address(lockingScript: script)?.text(on: network))),
        ]
        if case .multisignature(let required, let keys) = StandardScript(script) {
            members.append(JSONValue.Member("required", .integer(required)))
            members.append(JSONValue.Member("keys", .array(keys.map { .string($0.description) })))
        }
        // What nobody could spend behind its hash is not offered.
        let isSpendable = !script.isDataCarrier && StandardScript(script).name != "scripthash"
        let wrapped =
            isSpendable ? Script.scriptHash(of: script).flatMap { Address(lockingScript: $0) } : nil
        members.append(JSONValue.Member("scripthash", .optional(wrapped?.text(on: network))))
        return .object(members)
    }

    func createMultisignature(_ parameters: CallParameters) throws -> JSONValue {
        let texts = parameters.json("keys")?.array ?? []
        let keys = texts.compactMap { $0.string.flatMap { PublicKey(hex: $0) } }
        guard Set(keys).count == keys.count else {
            throw RPCError(
                .invalidParameter, "bad-parameter", "a key stands twice: its owner would count as two",
                hint: "ask every owner for a key of his own")
        }
        let required = Int(clamping: try parameters.integer("required") ?? 0)
        guard keys.count == texts.count, let script = Script.multisignature(required: required, keys: keys)
        else {
            throw RPCError(
                .invalidParameter, "bad-parameter",
                "1 to \(Script.standardKeysMax) keys in hexadecimal, and at most as many required",
                hint: "`getaddressinfo` shows the key of an address of the wallet")
        }
        let address = Script.scriptHash(of: script).flatMap { Address(lockingScript: $0) }
        return .object([
            "script": .string(Hexadecimal.encode(script.bytes)),
            "asm": .string(ScriptText.disassemble(script)),
            "address": .optional(address?.text(on: network)),
        ])
    }

    func addressInfo(_ parameters: CallParameters) async throws -> JSONValue {
        let address = try TransactionForm.address(parameters.string("address") ?? "", network)
        let key = await wallet.key(of: address)
        return .object([
            "address": .string(address.text(on: network)),
            "script": .string(Hexadecimal.encode(address.lockingScript.bytes)),
            "type": .string(StandardScript(address.lockingScript).name), "ismine": .bool(key != nil),
            "key": .optional(key?.description),
        ])
    }

    // MARK: - Parts

    private func signing(
        _ checked: CheckedTransaction, _ spent: [TransactionSigning.Spent]
    ) throws(RPCError) -> TransactionSigning {
        do {
            return try TransactionSigning(checked.transaction, spending: spent, chain: intake.chain)
        } catch {
            throw error.asError
        }
    }

    /// What each input spends: as told, else in the chain, else among what waits.
    private func spent(
        by checked: CheckedTransaction, _ told: [OutPoint: TransactionForm.PreviousOutput]
    ) async throws -> [TransactionSigning.Spent] {
        let names = checked.transaction.inputs.map(\.previous)
        let waiting = await core.read { reactor in
            names.map { name -> TransactionOutput? in
                let outputs = reactor.mempool.entry(name.transaction)?.checked.transaction.outputs ?? []
                return outputs.indices.contains(Int(name.index)) ? outputs[Int(name.index)] : nil
            }
        }
        return try store.snapshot { reader in
            try zip(names, waiting).map { name, waiting in
                try TransactionForm.spent(
                    name, told: told[name], known: try reader.output(name)?.output ?? waiting)
            }
        }
    }
}

extension TransactionSigning.Failure {
    /// As an answer.
    var asError: RPCError {
        switch self {
        case .wrongCount: RPCError(.invalidParameter, rawValue, "an output is needed for every input")
        case .redeemScript:
            RPCError(.invalidParameter, rawValue, "a script-hash output needs the script that it names")
        case .unknownForm:
            RPCError(.invalidParameter, rawValue, "only key hash and m-of-n, bare or behind a script hash")
        case .otherTransaction:
            RPCError(.invalidParameter, rawValue, "the transactions differ in more than their signatures")
        }
    }
}
