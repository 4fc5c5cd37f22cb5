import Foundation
import Testing
import TimeCoinControl
import TimeCoinCore

@testable import TimeCoinNode

/// The program, as an operator calls it.
enum DatabaseProgram {
    /// What a call has said, and how it ended.
    struct Outcome {
        let status: Int32
        let result: String
        let notes: String

        /// The result as an object.
        var json: JSONValue? { try? JSONValue(parsing: Array(result.utf8)) }
        /// The last line of standard error as an object.
        var error: JSONValue? {
            notes.split(separator: "\n").last.flatMap { try? JSONValue(parsing: Array($0.utf8)) }
        }
    }

    /// Runs a command for a node to its end, with its result as JSON.
    static func call(_ directory: NodeDirectory, _ words: String...) throws -> Outcome {
        try call(directory, words)
    }

    static func call(_ directory: NodeDirectory, _ words: [String], asJSON: Bool = true) throws -> Outcome {
        let process = Process()
        process.executableURL = [Bundle.main.bundleURL, Bundle.main.bundleURL.deletingLastPathComponent()]
            .map { $0.appendingPathComponent("timecoin-node") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
        process.arguments =
            words + ["--datadir", directory.dataDirectory, "--network", directory.network.rawValue]
            + (asJSON ? ["-o", "json"] : [])
        // Files, because a pipe that nobody empties stops who writes to it.
        let place = NSTemporaryDirectory() + "timecoin-program.\(UUID().uuidString)"
        let paths = [place + ".out", place + ".err"]
        for path in paths { try Data().write(to: URL(fileURLWithPath: path)) }
        defer {
            for path in paths { try? FileManager.default.removeItem(atPath: path) }
        }
        let handles = try paths.map { try #require(FileHandle(forWritingAtPath: $0)) }
        process.standardOutput = handles[0]
        process.standardError = handles[1]
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        let said = try paths.map { try String(contentsOfFile: $0, encoding: .utf8) }
        return Outcome(status: process.terminationStatus, result: said[0], notes: said[1])
    }
}
