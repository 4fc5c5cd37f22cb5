import Foundation
import Testing
import TimeCoinControl
import TimeCoinCore

@testable import TimeCoinNode
@testable import TimeCoinStore

@Suite("A database of another format, through the program")
struct DatabaseFormatTests {
    private func rewrite(_ node: NodeDirectory, _ format: UInt32) throws {
        let environment = try Environment(directory: node.chain, mapBytes: 1 << 30)
        let table = try environment.table(ChainIdentity.tableName, 0, checksumKey: .zero)
        let bytes = try environment.read { try $0.record(table, ChainIdentity.key) }
        let rest = try #require(bytes?.dropFirst(4))
        var writer = ByteWriter(reserving: 4)
        writer.write(format)
        let first = writer.bytes
        try environment.write { transaction throws(StoreFailure) in
            _ = try transaction.put(first + rest, table, ChainIdentity.key)
        }
    }

    @Test(
        "every command refuses it, says what to do, and changes nothing",
        arguments: [
            (ChainIdentity.currentFormat + 1, "format-too-new", "start the newer program that wrote it"),
            (ChainIdentity.currentFormat - 1, "format-too-old", "move the directory away and sync"),
        ])
    func refused(format: UInt32, reason: String, advice: String) throws {
        let world = try DatabaseWorld(blocks: 3)
        defer { world.end() }
        let node = try world.node("a", height: 3)
        try rewrite(node, format)
        let target = world.root + "/target"
        for words in [
            ["db", "stats"], ["db", "verify"], ["db", "prune"],
            ["db", "rollback", "--reason", "uncertified"],
            ["db", "export", target], ["db", "reindex"], ["backup", target], ["snapshot", "create", target],
        ] {
            let outcome = try DatabaseProgram.call(node, words)
            #expect(outcome.status == ExitCode.configuration.rawValue, "\(words): \(outcome.notes)")
            #expect(outcome.error?["reason"]?.string == reason, "\(words): \(outcome.notes)")
            #expect(outcome.error?["message"]?.string?.contains(advice) == true, "\(words): \(outcome.notes)")
            #expect(!FileManager.default.fileExists(atPath: target), "\(words)")
        }
        let run = try DatabaseProgram.call(node, ["run", "--listen", "127.0.0.1:0"], asJSON: false)
        #expect(run.status == ExitCode.configuration.rawValue && run.notes.contains(advice), "\(run.notes)")
        try rewrite(node, ChainIdentity.currentFormat)
        #expect(try DatabaseProgram.call(node, "db", "verify").json?["ok"]?.bool == true)
    }
}
