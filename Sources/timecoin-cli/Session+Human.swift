import Foundation
import TimeCoinControl

extension Session {
    func status() async throws {
        let chain = try await call("getblockchaininfo")
        let consensus = try await call("getconsensusinfo")
        let peers = try await call("getpeerinfo").array?.count ?? 0
        let waiting = try await call("getmempoolinfo")["size"]?.integer ?? 0
        if line.output != .human {
            Output.result(
                .object([
                    "chain": chain, "consensus": consensus, "peers": .integer(peers),
                    "waiting": .integer(waiting),
                ]), line.output)
            return
        }
        let role =
            consensus["voting"]?.bool == true
            ? "votes" : "does not vote: \(consensus["reason"]?.string ?? "")"
        Output.line(
            """
            network    \(chain["chain"]?.string ?? "")\(chain["syncing"]?.bool == true ? ", catching up" : "")
            height     \(chain["blocks"]?.integer ?? 0)  slot \(chain["slot"]?.integer ?? 0)
            block      \(chain["bestblockhash"]?.string ?? "")
            deciding   height \(consensus["height"]?.integer ?? 0), round \(consensus["round"]?.integer ?? 0)
            this node  \(role)
            peers      \(peers)
            waiting    \(waiting) transactions
            supply     \(chain["supply"]?["total"]?.string ?? "") TIME
            """)
    }

    func peers() async throws {
        let peers = try await call("getpeerinfo")
        if line.output != .human {
            Output.result(peers, line.output)
            return
        }
        for peer in peers.array ?? [] {
            let ping = peer["pingmicroseconds"]?.integer.map { "\($0) µs" } ?? "no ping yet"
            Output.line(
                "\(peer["id"]?.string?.prefix(16) ?? "")  \(peer["direction"]?.string ?? "")  "
                    + "\(peer["address"]?.string ?? "")  \(ping)")
        }
    }

    /// Follows the chain until it is interrupted.
    func watch() async throws {
        var cursor = try await call("getevents")["next"]?.integer ?? 0
        while true {
            let answer = try await call("getevents", [.integer(cursor), .integer(10)])
            cursor = answer["next"]?.integer ?? cursor
            if answer["lagged"]?.bool == true { Output.note("some events were missed") }
            for event in answer["events"]?.array ?? [] where event["type"]?.string == "block" {
                if line.output == .human {
                    Output.line(Session.describe(event))
                } else {
                    Output.line(event.compact)
                }
            }
        }
    }

    private static func describe(_ block: JSONValue) -> String {
        let time = Date(timeIntervalSince1970: Double(block["time"]?.integer ?? 0) / 1000)
        let formatter = DateFormatter()
        formatter.dateFormat = "HH:mm:ss.SSS"
        return "\(formatter.string(from: time))  height \(block["height"]?.integer ?? 0)  "
            + "\(block["kind"]?.string ?? "")  \(block["hash"]?.string?.prefix(16) ?? "")  "
            + "\(block["tx"]?.array?.count ?? 0) tx  round \(block["round"]?.integer ?? 0)  "
            + "by \(block["proposer"]?.string?.prefix(8) ?? "")"
    }
}

/// Finds what was probably meant.
enum Suggestion {
    /// The command with the fewest edits to it, if they are few.
    static func nearest(to word: String) -> String? {
        let names = Session.commands.map(\.name)
        let ranked = names.map { (name: $0, distance: distance(Array($0), Array(word))) }
        return ranked.min { $0.distance < $1.distance }.flatMap { $0.distance <= 4 ? $0.name : nil }
    }

    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var row = Array(0...right.count)
        for (i, character) in left.enumerated() {
            var previous = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let cost = min(row[j] + 1, row[j + 1] + 1, previous + (character == other ? 0 : 1))
                previous = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[right.count]
    }
}
