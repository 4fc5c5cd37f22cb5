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

    /// The sentence, and a line for each member.
    func consensus(_ words: [String]) async throws {
        guard words == ["explain"] else {
            throw UsageFailure(
                message: "usage: timecoin-cli consensus explain",
                hint: "`timecoin-cli getconsensusstatus` prints the same as JSON")
        }
        let status = try await call("getconsensusstatus")
        if line.output != .human {
            Output.result(status, line.output)
            return
        }
        Output.line((status["explanation"]?.string ?? "") + "\n")
        var rows = [["member", "weight", "prevote", "precommit", ""]]
        for member in status["members"]?.array ?? [] {
            let roles = [("proposer", "proposer"), ("self", "this node")]
                .filter { member[$0.0]?.bool == true }.map(\.1)
            rows.append([
                Session.short(member["key"]?.string ?? ""), "\(member["weight"]?.integer ?? 0)",
                Session.short(member["prevote"]?.string ?? ""),
                Session.short(member["precommit"]?.string ?? ""), roles.joined(separator: ", "),
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            Output.line(cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces))
        }
    }

    /// A key or a hash by its first digits; words as they are.
    static func short(_ text: String) -> String {
        text.count > 16 ? text.prefix(12) + "…" : text
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
