import Foundation
import Testing
import TimeCoinControl
import TimeCoinCore

@testable import TimeCoinNode
@testable import TimeCoinStore

@Suite("db verify, and what is told to programs")
struct DatabaseVerifyTests {
    private let names = ["height", "stateroot", "outputs", "supply", "ok", "records", "damaged"]

    private func members(_ json: JSONValue?) -> [String]? {
        guard case .object(let members) = json else { return nil }
        return members.map(\.name)
    }

    @Test("a sound database: height, root, outputs and supply of the tip, status 0")
    func sound() throws {
        let world = try DatabaseWorld(blocks: 7)
        defer { world.end() }
        let node = try world.node("a", height: 7)
        let outcome = try DatabaseProgram.call(node, "db", "verify")
        let state = world.world.state
        #expect(outcome.status == 0)
        #expect(members(outcome.json) == names)
        #expect(outcome.json?["height"]?.integer == 7)
        #expect(outcome.json?["stateroot"]?.string == state.header.stateRoot.description)
        #expect(outcome.json?["outputs"]?.integer == Int64(state.outputCount))
        #expect(outcome.json?["supply"]?.string == state.supply.total?.description)
        #expect(outcome.json?["ok"] == .bool(true))
        #expect(outcome.json?["damaged"]?.array == [])
        #expect(outcome.notes.contains(#""action":"verify","unit":"blocks""#))
    }

    @Test("S9: damaged records: status 74, their keys, and what to do, which rests on what is damaged")
    func damaged() throws {
        let world = try DatabaseWorld(blocks: 7)
        defer { world.end() }
        for (table, advice) in [("transactions", "db reindex"), ("blocks", "restore --replace")] {
            let node = try world.node(table, height: 7)
            var key: RecordKey?
            do {
                let store = try world.store(node)
                let damaged = try #require(store.tables.counted.first { $0.name == table })
                try store.environment.write { transaction throws(StoreFailure) in
                    key = try StoredChain.middleKey(transaction, damaged)
                    guard let key else { return }
                    _ = try transaction.put([1, 2, 3], damaged, key)
                }
            }
            let outcome = try DatabaseProgram.call(node, "db", "verify")
            #expect(outcome.status == 74)
            #expect(members(outcome.json) == names)
            #expect(outcome.json?["ok"] == .bool(false))
            #expect(outcome.json?["height"]?.integer == 7)
            let bytes = try #require(key).bytes
            let named = outcome.json?["damaged"]?.array?.first {
                $0["table"]?.string == table && $0["key"]?.string == Hexadecimal.encode(bytes)
            }
            #expect(named?["reason"]?.string?.isEmpty == false, "\(outcome.result)")
            #expect(outcome.error?["code"]?.integer == 74)
            #expect(outcome.error?["reason"]?.string == "damaged")
            #expect(outcome.error?["hint"]?.string?.contains(advice) == true)
        }
    }

    @Test("S9: a page that ends the process which reads it is damage: status 74 and an answer, no crash")
    func crash() throws {
        let world = try DatabaseWorld(blocks: 7)
        defer { world.end() }
        let node = try world.node("a", height: 7)
        let path = URL(fileURLWithPath: "\(node.chain)/\(ChainStore.fileName)")
        let bytes = try StoredChain.withoutEntries(path.path)
        try bytes.write(to: path)
        let outcome = try DatabaseProgram.call(node, "db", "verify")
        #expect(outcome.status == 74)
        #expect(members(outcome.json) == names)
        #expect(outcome.json?["ok"] == .bool(false))
        #expect(outcome.error?["hint"]?.string?.contains("restore --replace") == true, "\(outcome.notes)")
        #expect(try Data(contentsOf: path).count == bytes.count)
        // What was advised works, although whoever opens that database dies.
        let good = try world.node("b", height: 7)
        let (backup, snapshot) = ("\(world.root)/backup", "\(world.root)/snapshot")
        #expect(try DatabaseProgram.call(good, "backup", backup).status == 0)
        #expect(try DatabaseProgram.call(good, "snapshot", "create", snapshot).status == 0)
        let restored = try DatabaseProgram.call(node, "restore", "--replace", backup)
        #expect(restored.status == 0, "\(restored.notes)")
        #expect(restored.json?["replaced"]?.string == node.chain + ".old-unread")
        try bytes.write(to: path)
        let loaded = try DatabaseProgram.call(node, "snapshot", "load", "--replace", snapshot)
        #expect(loaded.status == 0, "\(loaded.notes)")
        #expect(try DatabaseProgram.call(node, "db", "verify").status == 0)
    }

    @Test("S9: a page that crashes the engine ends every command on a database with 74 and what to do")
    func crashOfCommands() throws {
        let world = try DatabaseWorld(blocks: 7)
        defer { world.end() }
        let node = try world.node("a", height: 7)
        let archive = "\(world.root)/archive"
        let backup = "\(world.root)/backup"
        #expect(try DatabaseProgram.call(node, "db", "export", archive).status == 0)
        #expect(try DatabaseProgram.call(node, "backup", backup).status == 0)
        let bytes = try StoredChain.withoutEntries("\(node.chain)/\(ChainStore.fileName)")
        let commands: [[String]] = [
            ["db", "stats"], ["db", "prune"], ["db", "export", "\(world.root)/export"],
            ["db", "import", archive], ["db", "rollback", "--reason", "uncertified"], ["db", "reindex"],
            ["backup", "\(world.root)/other"], ["snapshot", "create", "\(world.root)/snapshot"],
        ]
        for words in commands {
            try bytes.write(to: URL(fileURLWithPath: "\(node.chain)/\(ChainStore.fileName)"))
            let outcome = try DatabaseProgram.call(node, words)
            #expect(outcome.status == 74, "\(words): \(outcome.notes)")
            #expect(members(outcome.error) == ["code", "reason", "message", "hint"], "\(words)")
            #expect(outcome.error?["hint"]?.string?.contains("db verify") == true, "\(words)")
        }
        // A backup that crashes whoever opens it.
        try bytes.write(to: URL(fileURLWithPath: "\(backup)/chain/\(ChainStore.fileName)"))
        let restored = try DatabaseProgram.call(try world.node("b"), "restore", backup)
        #expect(restored.status == 74)
        #expect(restored.error?["hint"]?.string?.contains("take another") == true, "\(restored.notes)")
    }

    @Test("a signal that ends the verification from outside is no damage; a crash is")
    func signals() async throws {
        func ending(_ script: String) throws -> (status: Int32, crash: VerificationSummary?) {
            try DatabaseVerification.runApart(["/bin/sh", "-c", script])
        }
        #expect(try ending("exit 7").status == 7)
        #expect(try ending("exit 7").crash == nil)
        for name in ["SEGV", "BUS", "ABRT", "ILL"] {
            let (status, crash) = try ending("kill -\(name) $$")
            #expect(status == 74)
            #expect(crash?.isSound == false)
            #expect(crash?.failure?.exitCode == .ioError)
        }
        let world = try DatabaseWorld(blocks: 0)
        for name in ["KILL", "TERM"] {
            _ = try await world.refusal(.interrupted) { _ = try ending("kill -\(name) $$") }
        }
    }

    @Test("why a command ends is one object with code, reason, message and hint, and the code is the status")
    func errors() throws {
        let world = try DatabaseWorld(blocks: 3)
        defer { world.end() }
        let empty = try world.node("empty")
        let node = try world.node("a", height: 3)
        let cases: [(outcome: DatabaseProgram.Outcome, status: Int32, reason: String)] = [
            (try DatabaseProgram.call(empty, "db", "verify"), 78, "missing"),
            (try DatabaseProgram.call(empty, "db", "stats"), 78, "missing"),
            (try DatabaseProgram.call(node, "db", "prune"), 1, "refused"),
            (try DatabaseProgram.call(node, "db", "import", node.genesis), 65, "bad-input"),
            (try DatabaseProgram.call(node, "snapshot", "load", node.genesis), 1, "exists"),
            (try DatabaseProgram.call(empty, "snapshot", "load", node.genesis), 65, "bad-input"),
            (try DatabaseProgram.call(empty, "restore", world.root), 78, "missing"),
            (try DatabaseProgram.call(node, "backup", world.root), 1, "exists"),
        ]
        for (outcome, status, reason) in cases {
            #expect(outcome.status == status, "\(outcome.notes)")
            #expect(outcome.result.isEmpty)
            #expect(members(outcome.error) == ["code", "reason", "message", "hint"], "\(outcome.notes)")
            #expect(outcome.error?["code"]?.integer == Int64(status))
            #expect(outcome.error?["reason"]?.string == reason)
            #expect(outcome.error?["message"]?.string?.isEmpty == false)
        }
        let store = try world.store(node)
        let used = try DatabaseProgram.call(node, "db", "verify")
        #expect(used.status == 75)
        #expect(used.error?["reason"]?.string == "in-use")
        withExtendedLifetime(store) {}
    }
}
