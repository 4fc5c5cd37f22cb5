import Foundation
import TimeCoinControl
import TimeCoinCore

/// Four validators on this machine, started with the shipping program.
struct Network {
    let node: String
    let directory: String

    struct Failed: Error { let reason: String }

    init(node: String) throws {
        self.node = node
        directory = NSTemporaryDirectory() + "timecoin-bench.\(UUID().uuidString.prefix(8))"
        _ = try run([
            "localnet", "up", "--dir", directory, "--validators", "4", "--block-time", "10", "--payment-time",
            "0", "--detach",
        ])
    }

    func down() {
        _ = try? run(["localnet", "down", "--dir", directory])
        try? FileManager.default.removeItem(atPath: directory)
    }

    func connection(_ index: Int) throws -> CallConnection {
        try CallConnection(socket: "\(directory)/node\(index)/local/node.sock")
    }

    /// Anonymous memory of each node, bytes.
    func anonymousMemory() throws -> [Int] {
        let status = try JSONValue(parsing: Array(try run(["localnet", "status", "--dir", directory, "-o", "json"])))
        return (status["nodes"]?.array ?? []).compactMap { entry in
            guard let pid = entry["pid"]?.integer,
                let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
                let line = text.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") }),
                let kilobytes = Int(line.filter(\.isNumber))
            else { return nil }
            return kilobytes * 1024
        }
    }

    private func run(_ arguments: [String]) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: node)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failed(reason: "\(arguments.joined(separator: " ")): status \(process.terminationStatus)")
        }
        return bytes
    }
}
