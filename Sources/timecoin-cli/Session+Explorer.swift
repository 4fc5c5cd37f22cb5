import Foundation
import TimeCoinControl

/// The chain in words: a block, a transaction, an address.
extension Session {
    /// Last transactions that are shown of an address. Unit: transactions.
    private static let lastTransactions: Int64 = 10

    func block(_ words: [String]) async throws {
        let block = try await call("getblock", [try only(words, "block HEIGHT|HASH")])
        guard line.output == .human else { return Output.result(block, line.output) }
        let signers = block["certificate"]?["signers"]?.array?.count ?? 0
        let round = block["round"]?.integer ?? 0
        Output.line(
            """
            block      \(block["hash"]?.string ?? "")
            height     \(block["height"]?.integer ?? 0)  slot \(block["slot"]?.integer ?? 0)
            time       \(Session.time(block["time"]))
            kind       \(block["kind"]?.string ?? ""), \(block["size"]?.integer ?? 0) bytes
            certified  \(signers == 0 ? "by nobody: genesis" : "by \(signers) members in round \(round)")
            """)
        for txid in block["tx"]?.array ?? [] { Output.line("tx         \(txid.string ?? "")") }
    }

    func transaction(_ words: [String]) async throws {
        let found = try await call("gettransaction", [try only(words, "tx TXID")])
        guard line.output == .human else { return Output.result(found, line.output) }
        let confirmations = found["confirmations"]?.integer ?? 0
        let final = found["height"]?.integer.map { "in block \($0), \(confirmations) confirmations" }
        Output.line(
            """
            tx         \(found["txid"]?.string ?? "")
            final      \(final ?? "not yet")
            kind       \(found["kind"]?.string ?? ""), \(found["size"]?.integer ?? 0) bytes
            """)
        for input in found["vin"]?.array ?? [] {
            Output.line("spends     \(input["txid"]?.string ?? ""):\(input["vout"]?.integer ?? 0)")
        }
        for output in found["vout"]?.array ?? [] {
            Output.line("pays       \(output["value"]?.string ?? "")  \(Session.receiver(output))")
        }
    }

    private static func receiver(_ output: JSONValue) -> String {
        output["address"]?.string ?? output["type"]?.string ?? ""
    }

    /// Balance, number of unspent outputs, and the last transactions, newest first.
    func address(_ words: [String]) async throws {
        let address = try only(words, "address ADDRESS")
        let balance = try await call("getaddressbalance", [address])
        let count = JSONValue.integer(Session.lastTransactions)
        let history = try await call("getaddresshistory", [address, .null, count, .bool(true)])
        guard line.output == .human else {
            return Output.result(.object(["balance": balance, "history": history]), line.output)
        }
        let isComplete = balance["complete"]?.bool == true
        Output.line(
            """
            address    \(balance["address"]?.string ?? "")
            balance    \(isComplete ? "" : "at least ")\(balance["balance"]?.string ?? "") TIME
            unspent    \(isComplete ? "" : "more than ")\(balance["outputs"]?.integer ?? 0) outputs
            at height  \(balance["height"]?.integer ?? 0)
            """)
        for row in history["transactions"]?.array ?? [] { Output.line(Session.describe(row)) }
        if let next = history["next"]?.string {
            Output.note(
                "more: `timecoin-cli getaddresshistory \(address.string ?? "") \(next) 100 true`")
        }
        if history["pruned"]?.bool == true {
            Output.note(
                "the blocks of this node begin at height \(history["blocksfrom"]?.integer ?? 0): "
                    + "what is older is not here")
        }
    }

    private static func describe(_ row: JSONValue) -> String {
        let height = "height \(row["height"]?.integer ?? 0)"
        guard let txid = row["txid"]?.string else { return "tx         \(height), whose block is not here" }
        let received = row["received"]?.string ?? ""
        return "tx         \(txid)  \(height)  \(time(row["time"]))  received \(received)"
    }

    private static func time(_ milliseconds: JSONValue?) -> String {
        let formatter = ISO8601DateFormatter()
        return formatter.string(
            from: Date(timeIntervalSince1970: Double(milliseconds?.integer ?? 0) / 1000))
    }

    private func only(_ words: [String], _ usage: String) throws(UsageFailure) -> JSONValue {
        guard words.count == 1 else {
            throw UsageFailure(message: "usage: timecoin-cli \(usage)", hint: nil)
        }
        return .string(words[0])
    }
}
