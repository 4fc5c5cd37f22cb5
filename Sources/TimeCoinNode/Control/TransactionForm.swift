import TimeCoinControl
import TimeCoinCore

/// Reads transactions as people write them down in JSON.
enum TransactionForm {
    /// Transactions in one call at most.
    static let itemsMax = 100

    /// Inputs as `{"txid","vout"[,"sequence"]}`, outputs as `{"address","amount"}`, `{"script","amount"}`,
    /// `{"data"}`, or, shortly, `{ADDRESS: amount}`.
    static func unsigned(
        inputs: JSONValue, outputs: JSONValue, lockTime: Int64, network: Network
    ) throws(RPCError) -> Transaction {
        guard let inputItems = inputs.array, let outputItems = outputs.array else {
            throw refusal("inputs and outputs are arrays")
        }
        guard let lockTime = UInt32(exactly: lockTime) else { throw refusal("a lock time has 32 bits") }
        var parsedInputs: [TransactionInput] = []
        for item in inputItems {
            // What `listunspent` and the previous outputs of signing say of an output may stand here too.
            try check(
                item,
                takes: [
                    "txid", "vout", "sequence", "address", "amount", "confirmations", "script",
                    "redeemscript",
                ], "an input")
            // A lock time is looked at only if some input is not final.
            let sequence =
                item["sequence"].map { $0.integer.flatMap { UInt32(exactly: $0) } }
                ?? (lockTime == 0 ? UInt32.max : UInt32.max - 1)
            guard let sequence else { throw refusal("a sequence has 32 bits") }
            parsedInputs.append(
                TransactionInput(previous: try outPoint(item), unlocking: .empty, sequence: sequence))
        }
        var parsedOutputs: [TransactionOutput] = []
        for item in outputItems { parsedOutputs.append(try output(item, network)) }
        return Transaction(inputs: parsedInputs, outputs: parsedOutputs, lockTime: lockTime)
    }

    /// Outputs to be spent that the chain does not show: `txid`, `vout`, `script`, `amount`, `redeemscript`;
    /// for those that it shows, the redeem script alone is enough.
    static func previous(_ json: JSONValue?) throws(RPCError) -> [OutPoint: PreviousOutput] {
        guard let json else { return [:] }
        guard let items = json.array else { throw refusal("previous outputs are an array") }
        var found: [OutPoint: PreviousOutput] = [:]
        for item in items {
            let names: Set = ["txid", "vout", "script", "amount", "redeemscript"]
            try check(item, takes: names, "a previous output")
            var output: TransactionOutput?
            if item["script"] != nil || item["amount"] != nil {
                output = TransactionOutput(
                    value: try amount(item["amount"]), locking: try script(item["script"], "script"))
            }
            let redeem = item["redeemscript"] == nil ? nil : try script(item["redeemscript"], "redeemscript")
            let name = try outPoint(item)
            guard found[name] == nil else {
                throw refusal("\(name.transaction):\(name.index) is told twice")
            }
            found[name] = PreviousOutput(output: output, redeem: redeem)
        }
        return found
    }

    /// What an input spends: as told, as known, or as both agree.
    static func spent(
        _ name: OutPoint, told: PreviousOutput?, known: TransactionOutput?
    ) throws(RPCError) -> TransactionSigning.Spent {
        if let output = told?.output, let known, output != known {
            throw RPCError(
                .invalidParameter, "previous-output-mismatch",
                "\(name.transaction):\(name.index) has another script or amount on this chain")
        }
        guard let output = told?.output ?? known else {
            throw RPCError(
                .verification, "missing-input", "\(name.transaction):\(name.index) is unknown or spent",
                hint: "tell its script and amount as a previous output")
        }
        if told?.redeem != nil {
            guard case .scriptHash = StandardScript(output.locking) else {
                throw RPCError(
                    .invalidParameter, "redeem-script-unused",
                    "\(name.transaction):\(name.index) asks for no redeem script")
            }
        }
        return TransactionSigning.Spent(output, redeem: told?.redeem)
    }

    /// What a signature covers, by Bitcoin's names: `ALL`, `NONE|ANYONECANPAY` and so on.
    static func type(_ text: String?) throws(RPCError) -> SignatureHashType {
        let words = (text ?? "ALL").split(separator: "|", omittingEmptySubsequences: false)
        let outputs: SignatureHashType.Outputs? =
            switch words.first {
            case "ALL": .all
            case "NONE": SignatureHashType.Outputs.none
            case "SINGLE": .single
            default: nil
            }
        guard let outputs, words.count == 1 || words.count == 2 && words[1] == "ANYONECANPAY" else {
            throw RPCError(.invalidParameter, "bad-type", "\(text ?? "") is no type of signature")
        }
        return SignatureHashType(outputs: outputs, anyoneCanPay: words.count == 2)
    }

    struct PreviousOutput: Sendable {
        let output: TransactionOutput?
        let redeem: Script?
    }

    /// Several transactions in hexadecimal.
    static func list(_ json: JSONValue?) throws(RPCError) -> [CheckedTransaction] {
        guard let items = json?.array, !items.isEmpty, items.count <= itemsMax else {
            throw refusal("transactions are an array of 1 to \(itemsMax) hexadecimal texts")
        }
        var transactions: [CheckedTransaction] = []
        for item in items { transactions.append(try checked(hex: item.string)) }
        return transactions
    }

    /// One transaction in hexadecimal, its rules without the chain checked.
    static func checked(hex: String?) throws(RPCError) -> CheckedTransaction {
        guard let bytes = hex.flatMap(Hexadecimal.decode) else {
            throw RPCError(
                .deserialization, "bad-hex", "a transaction is an even number of hexadecimal digits")
        }
        do {
            return try CheckedTransaction(decoding: bytes)
        } catch {
            throw RPCError(
                error.rule == .malformed ? .deserialization : .rejected, error.rule.rawValue, error.detail)
        }
    }

    // MARK: - Parts

    private static func output(_ item: JSONValue, _ network: Network) throws(RPCError) -> TransactionOutput {
        if let data = item["data"] {
            try check(item, takes: ["data"], "an output with data")
            guard let bytes = data.string.flatMap(Hexadecimal.decode), let script = Script.dataCarrier(bytes)
            else { throw refusal("data is at most \(Script.pushBytesMax) bytes in hexadecimal") }
            return TransactionOutput(value: .zero, locking: script)
        }
        if item["script"] != nil {
            try check(item, takes: ["script", "amount"], "an output with a script")
            return TransactionOutput(
                value: try amount(item["amount"]), locking: try script(item["script"], "script"))
        }
        if let text = item["address"]?.string {
            try check(item, takes: ["address", "amount"], "an output with an address")
            return TransactionOutput(
                value: try amount(item["amount"]), locking: try address(text, network).lockingScript)
        }
        guard case .object(let members) = item, members.count == 1 else {
            throw refusal("an output is {\"address\",\"amount\"}, {\"script\",\"amount\"} or {\"data\"}")
        }
        return TransactionOutput(
            value: try amount(members[0].value), locking: try address(members[0].name, network).lockingScript)
    }

    private static func outPoint(_ item: JSONValue) throws(RPCError) -> OutPoint {
        guard let txid = item["txid"]?.string.flatMap({ Hash256(hex: $0) }),
            let index = item["vout"]?.integer.flatMap({ UInt32(exactly: $0) })
        else { throw refusal("an output is named by txid and vout") }
        return OutPoint(transaction: txid, index: index)
    }

    private static func amount(_ json: JSONValue?) throws(RPCError) -> Amount {
        guard let amount = json?.token.flatMap({ Amount(decimal: $0) }) else {
            throw badAmount(json?.token)
        }
        return amount
    }

    /// Tells what was read in place of an amount.
    static func badAmount(_ text: String?) -> RPCError {
        let what = text.map { "\($0.prefix(40)) is no amount" } ?? "an amount is missing"
        return RPCError(
            .invalidParameter, "bad-amount", "\(what): a decimal number of TIME with at most 8 decimals")
    }

    /// Refuses what would be ignored otherwise: a misspelt member can cost money.
    private static func check(
        _ item: JSONValue, takes names: Set<String>, _ what: String
    ) throws(RPCError) {
        guard case .object(let members) = item else {
            throw refusal("\(what) is an object of \(names.sorted().joined(separator: ", "))")
        }
        for member in members where !names.contains(member.name) {
            throw RPCError(
                .invalidParameter, "unknown-member",
                "\(what) has \(names.sorted().joined(separator: ", ")), and no \(member.name)")
        }
    }

    static func address(_ text: String, _ network: Network) throws(RPCError) -> Address {
        do {
            return try Address(parsing: text, network: network)
        } catch {
            throw RPCError(.invalidParameter, "bad-address", "\(text): \(error)")
        }
    }

    private static func script(_ json: JSONValue?, _ name: String) throws(RPCError) -> Script {
        guard let bytes = json?.string.flatMap(Hexadecimal.decode) else {
            throw refusal("\(name) is a script in hexadecimal")
        }
        return Script(bytes)
    }

    private static func refusal(_ text: String) -> RPCError {
        RPCError(.invalidParameter, "bad-parameter", text)
    }
}
