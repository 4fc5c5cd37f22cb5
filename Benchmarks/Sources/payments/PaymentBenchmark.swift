import BenchmarkSupport
import Foundation
import TimeCoinControl
import TimeCoinCore

/// Prepares coins, then submits payments to four nodes and watches them become final.
final class PaymentBenchmark: Sendable {
    private let network: Network
    private let purse: Purse
    private let receiver: Script

    /// Payments on their way at once: enough to fill blocks, below the mempool's limit.
    private static let windowMax = 9000
    /// Submissions in one request.
    private static let batch = 50
    private static let coinsPerSplit = 1500
    private static let coinUnits: UInt64 = 20_000

    struct Failed: Error { let reason: String }

    init(network: Network) throws {
        self.network = network
        let node = try network.connection(0)
        guard let chain = try node.call("getblockhash", "[0]").string.flatMap({ Hash256(hex: $0) }),
            let text = try network.connection(3).call("getnewaddress").string
        else { throw Failed(reason: "the first node has no genesis") }
        purse = try Purse(chain: chain)
        receiver = try Address(parsing: text, network: .local).lockingScript
    }

    /// Signed payments, each of its own final coin.
    private func prepare(_ count: Int) throws -> [CheckedTransaction] {
        let node = try network.connection(0)
        let splits = (count + PaymentBenchmark.coinsPerSplit - 1) / PaymentBenchmark.coinsPerSplit
        let unitsPerSplit = UInt64(PaymentBenchmark.coinsPerSplit) * (PaymentBenchmark.coinUnits + 2000)
        let unitsForAll = UInt64(splits + 1) * (unitsPerSplit + 10_000)
        let amount = Amount(units: unitsForAll).map(\.description) ?? "0"
        guard
            let txid = try node.call("sendtoaddress", "[\"\(purse.address)\",\"\(amount)\"]").string
        else { throw Failed(reason: "no funds") }
        try waitFinal(txid, on: node)
        guard let hex = try node.call("getrawtransaction", "[\"\(txid)\"]").string,
            let funding = Hexadecimal.decode(hex),
            let root = purse.coins(of: try CheckedTransaction(decoding: funding)).first
        else { throw Failed(reason: "the funding transaction is not there") }
        let trunk = try purse.split(root, into: splits, each: unitsPerSplit)
        try submit([trunk], to: node)
        let branches = try purse.coins(of: trunk).map {
            try purse.split(
                $0, into: PaymentBenchmark.coinsPerSplit, each: PaymentBenchmark.coinUnits)
        }
        for branch in branches { try submit([branch], to: node) }
        for branch in branches { try waitFinal(branch.txid.description, on: node) }
        return try branches.flatMap { purse.coins(of: $0) }.prefix(count).map {
            try purse.payment(of: $0, to: receiver)
        }
    }

    private func waitFinal(_ txid: String, on node: CallConnection) throws {
        let deadline = seconds() + 60
        while seconds() < deadline {
            if try node.call("gettransaction", "[\"\(txid)\"]")["final"]?.bool == true { return }
            usleep(20_000)
        }
        throw Failed(reason: "\(txid) did not become final within a minute")
    }

    private func submit(_ payments: some Collection<CheckedTransaction>, to node: CallConnection) throws {
        let calls = payments.map {
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sendrawtransaction\",\"params\":[\""
                + Hexadecimal.encode($0.transaction.encoded) + "\"]}"
        }
        try submit(body: "[" + calls.joined(separator: ",") + "]", to: node)
    }

    private func submit(body: String, to node: CallConnection) throws {
        for answer in try node.exchange(body).array ?? [] where answer["error"] != nil {
            throw Failed(reason: "a payment was refused: \(answer.compact)")
        }
    }

    /// Payments a second from the first submission until the last one is final on the first node.
    func saturate(payments count: Int) throws -> Double {
        let payments = try prepare(count)
        let encoded: [[String]] = (0..<4).map { index in
            let own = payments.indices.filter { $0 % 4 == index }.map { payments[$0] }
            return stride(from: 0, to: own.count, by: PaymentBenchmark.batch).map { start in
                let calls = own[start..<min(start + PaymentBenchmark.batch, own.count)].map {
                    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sendrawtransaction\",\"params\":[\""
                        + Hexadecimal.encode($0.transaction.encoded) + "\"]}"
                }
                return "[" + calls.joined(separator: ",") + "]"
            }
        }
        let progress = Progress()
        let wanted = Set(payments.map { $0.txid.description })
        let watcher = try network.connection(0)
        let first = (try watcher.call("getblockcount").integer ?? 0) + 1
        let start = seconds()
        let senders = (0..<4).map { index in
            progress.startThread {
                let node = try self.network.connection(index)
                var sent = 0
                for body in encoded[index] {
                    // A quarter of the window for each node.
                    while sent - progress.finalCount / 4 > PaymentBenchmark.windowMax / 4 {
                        guard progress.failure == nil else { return }
                        usleep(1000)
                    }
                    try self.submit(body: body, to: node)
                    sent += PaymentBenchmark.batch
                }
            }
        }
        var next = first
        var blocks: [Int] = []
        var end = start
        while progress.finalCount < count {
            if let error = progress.failure { throw error }
            guard seconds() - start < 300 else { throw Failed(reason: "not all final after 300 s") }
            guard try watcher.call("getblockcount").integer ?? 0 >= next else {
                usleep(5000)
                continue
            }
            let names = try watcher.call("getblock", "[\(next)]")["tx"]?.array ?? []
            let found = names.count { $0.string.map(wanted.contains) ?? false }
            if found > 0 { blocks.append(found) }
            progress.add(final: found)
            end = seconds()
            next += 1
        }
        for sender in senders { while !sender.isFinished { usleep(1000) } }
        note("\(count) payments in \(blocks.count) blocks, largest \(blocks.max() ?? 0)")
        return Double(count) / (end - start)
    }

    /// Seconds from submission to final, as the first node tells it, at a steady rate.
    func latencies(perSecond rate: Int, lasting duration: Int) throws -> [Double] {
        let payments = try prepare(rate * duration)
        let progress = Progress()
        let watcher = try network.connection(0)
        var next = try watcher.call("getevents", "[0,0,1]")["next"]?.integer ?? 0
        let sender = progress.startThread {
            let nodes = try (0..<4).map { try self.network.connection($0) }
            let start = seconds()
            for (index, payment) in payments.enumerated() {
                let due = start + Double(index) / Double(rate)
                while seconds() < due { usleep(200) }
                progress.submitted(payment.txid.description)
                try self.submit([payment], to: nodes[index % 4])
            }
        }
        var latencies: [Double] = []
        let deadline = seconds() + Double(duration) + 60
        while latencies.count < payments.count, seconds() < deadline {
            if let error = progress.failure { throw error }
            let answer = try watcher.call("getevents", "[\(next),1,1000]")
            let now = seconds()
            next = answer["next"]?.integer ?? next
            for event in answer["events"]?.array ?? [] where event["type"]?.string == "block" {
                for name in event["tx"]?.array ?? [] {
                    if let at = name.string.flatMap(progress.submission(of:)) {
                        latencies.append(now - at)
                    }
                }
            }
        }
        while !sender.isFinished { usleep(1000) }
        guard latencies.count == payments.count else {
            throw Failed(reason: "only \(latencies.count) of \(payments.count) became final")
        }
        return latencies
    }

    private func note(_ text: String) {
        FileHandle.standardError.write(Data("payments: \(text)\n".utf8))
    }
}
