import Foundation
import TimeCoinControl

/// What the command line cannot mean.
struct UsageFailure: Error {
    let message: String
    let hint: String?
}

enum OutputFormat: String, CaseIterable {
    case human
    case json
    case compact
}

/// What may stand anywhere in a command.
struct CommandOption {
    enum Value {
        case none
        case path
        case seconds
        case oneOf([String])
    }

    let name: String
    let value: Value
    let summary: String

    var usage: String {
        switch value {
        case .none: name
        case .path: name + " PATH"
        case .seconds: name + " SECONDS"
        case .oneOf(let choices): name + " " + choices.joined(separator: "|")
        }
    }

    static let all = [
        CommandOption(name: "--socket", value: .path, summary: "The node's socket."),
        CommandOption(
            name: "--datadir", value: .path,
            summary: "Directory of everything that the node keeps; also TIMECOIN_DATADIR."),
        CommandOption(
            name: "--network", value: .oneOf(["main", "test", "local"]),
            summary: "Whose socket in the data directory; by default the only one there."),
        CommandOption(
            name: "-o", value: .oneOf(OutputFormat.allCases.map(\.rawValue)), summary: "Form of the result."),
        CommandOption(
            name: "--timeout", value: .seconds,
            summary: "Seconds that a call, --wait or --wait-ready may take."),
        CommandOption(name: "--wait", value: .none, summary: "With send: returns once the payment is final."),
        CommandOption(
            name: "--wait-ready", value: .none,
            summary: "First waits until the node answers and is warm, 60 seconds unless --timeout says "
                + "otherwise; ends with 75 when it does not come."),
        CommandOption(
            name: "--passphrase-file", value: .path, summary: "A file whose first line is the passphrase."),
    ]
}

/// The words of a command: global options anywhere, the rest in order.
///
/// Commands are the methods of the node's own table beside a few human verbs, so the words are read by hand
/// against that table instead of by one type a command.
struct CommandLineInput {
    private(set) var socket: String?
    private(set) var dataDirectory: String
    private(set) var network: String?
    private(set) var output = OutputFormat.human
    private(set) var timeout: Int64?
    private(set) var waits = false
    private(set) var waitsUntilReady = false
    private(set) var passphraseFile: String?
    private(set) var words: [String] = []

    init(_ arguments: [String]) throws(UsageFailure) {
        dataDirectory =
            ProcessInfo.processInfo.environment["TIMECOIN_DATADIR"] ?? NSHomeDirectory() + "/.timecoin"
        var rest = arguments[...]
        var onlyWords = false
        while let word = rest.popFirst() {
            if onlyWords || word == "-" || !word.hasPrefix("-") || Double(word) != nil {
                words.append(word)
                continue
            }
            switch word {
            case "--": onlyWords = true
            case "--wait": waits = true
            case "--wait-ready": waitsUntilReady = true
            case "--help", "-h": words.insert("help", at: 0)
            case "--version": words.insert("version", at: 0)
            case "--socket": socket = try CommandLineInput.value(of: word, &rest)
            case "--datadir": dataDirectory = try CommandLineInput.value(of: word, &rest)
            case "--network": network = try CommandLineInput.value(of: word, &rest)
            case "--passphrase-file": passphraseFile = try CommandLineInput.value(of: word, &rest)
            case "--timeout":
                let text = try CommandLineInput.value(of: word, &rest)
                guard let seconds = Int64(text), (1...86_400).contains(seconds) else {
                    throw UsageFailure(message: "--timeout is a number of seconds, not \(text)", hint: nil)
                }
                timeout = seconds
            case "--output", "-o":
                let text = try CommandLineInput.value(of: word, &rest)
                guard let format = OutputFormat(rawValue: text) else {
                    throw UsageFailure(message: "-o is human, json or compact, not \(text)", hint: nil)
                }
                output = format
            default:
                throw UsageFailure(
                    message: "there is no option \(word)", hint: "`timecoin-cli help` lists what there is")
            }
        }
    }

    /// Whether `-o` asks for JSON, in a line that may be wrong elsewhere.
    static func asksForJSON(_ arguments: [String]) -> Bool {
        zip(arguments, arguments.dropFirst()).contains { option, value in
            ["-o", "--output"].contains(option) && ["json", "compact"].contains(value)
        }
    }

    private static func value(
        of option: String, _ rest: inout ArraySlice<String>
    ) throws(UsageFailure) -> String {
        guard let value = rest.popFirst() else {
            throw UsageFailure(message: "\(option) needs a value", hint: nil)
        }
        return value
    }

    /// The socket named, or that of the data directory: of the named network, or of the only one with a
    /// socket. It is looked for anew each time: the node may be about to start.
    func socketPath() throws(SocketPath.Failure) -> String {
        if let socket { return socket }
        if let network {
            return try SocketPath.forConnecting(networkDirectory: "\(dataDirectory)/\(network)")
        }
        var paths: [String] = []
        for name in ["main", "test", "local"] {
            paths.append(try SocketPath.forConnecting(networkDirectory: "\(dataDirectory)/\(name)"))
        }
        let present = paths.filter { FileManager.default.fileExists(atPath: $0) }
        return present.count == 1 ? present[0] : paths[0]
    }
}
