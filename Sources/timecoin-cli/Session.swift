import Foundation
import TimeCoinControl

/// The node did not come within the time that `--wait-ready` has.
struct NotReady: Error {
    let message: String
    let hint: String?
}

/// One command carried out.
struct Session {
    let line: CommandLineInput

    static let verbs: KeyValuePairs = [
        "status": "Where the node stands, in words.",
        "balance": "What the wallet can spend.",
        "send ADDRESS AMOUNT [--wait]": "Pays; with --wait returns once the payment is final.",
        "peers": "Connected peers.",
        "consensus explain": "What the vote waits for, in a sentence, and who voted what.",
        "block HEIGHT|HASH": "A block in words.",
        "tx TXID": "A transaction in words.",
        "address ADDRESS": "What an address has, and its last transactions.",
        "watch": "The blocks as they become final, one line each.",
        "wallet unlock|lock|address": "Unlocks or locks the wallet, or makes a new address.",
        "completions bash|zsh|fish": "A script that has the shell complete commands and options.",
        "help [METHOD]": "This text, or what a method takes.",
        "version": "The version of this program.",
    ]

    /// The first word of everything that can be called, each once: a verb stands before a method of its name.
    static let commands: [(name: String, summary: String)] = {
        let human = verbs.map { (name: String($0.prefix { $0 != " " }), summary: $1) }
        let methods = RPCMethod.all.filter { method in !human.contains { $0.name == method.name } }
        return human + methods.map { (name: $0.name, summary: $0.summary) }
    }()

    /// Seconds that a call may take.
    private static let callTimeout: Int64 = 30
    /// Seconds that a backup may take: it copies and reads the whole database.
    private static let backupTimeout: Int64 = 86_400
    /// Seconds that `--wait-ready` waits.
    private static let readyTimeout: Int64 = 60
    /// Seconds that `send --wait` waits.
    private static let finalityTimeout: Int64 = 60

    init(_ line: CommandLineInput) {
        self.line = line
    }

    func run() async throws -> ExitCode {
        guard let verb = line.words.first else {
            throw UsageFailure(
                message: "a command is missing", hint: "`timecoin-cli help` lists what there is")
        }
        let rest = Array(line.words.dropFirst())
        switch verb {
        case "help":
            try help(rest)
            return .ok
        case "version":
            Output.line(TimeCoinCLI.version)
            return .ok
        case "completions":
            Output.line(try Completions.script(for: rest))
            return .ok
        // Before anything else looks at the words: what is a secret shall be in no message.
        case "walletpassphrase":
            throw UsageFailure(
                message: "a passphrase is never an argument: others could read it",
                hint: "`timecoin-cli wallet unlock` asks for it, or takes --passphrase-file")
        default: break
        }
        if line.waitsUntilReady { try await waitUntilReady() }
        switch verb {
        case "status": try await status()
        case "balance": Output.result(try await call("getbalance"), line.output)
        case "send": return try await send(rest)
        case "peers": try await peers()
        case "consensus": try await consensus(rest)
        case "block": try await block(rest)
        case "tx": try await transaction(rest)
        case "address": try await address(rest)
        case "watch": try await watch()
        case "wallet": try await wallet(rest)
        case "stop": try await stop(rest)
        default: try await method(verb, rest)
        }
        return .ok
    }

    func call(_ method: String, _ parameters: [JSONValue] = [], timeout: Int64? = nil) async throws
        -> JSONValue
    {
        try await ControlClient(socket: line.socketPath()).call(
            method, .array(parameters), timeout: timeout ?? line.timeout ?? Session.callTimeout)
    }

    /// Returns once the node answers calls about its chain.
    private func waitUntilReady() async throws {
        let seconds = line.timeout ?? Session.readyTimeout
        let end = ContinuousClock.now.advanced(by: .seconds(seconds))
        while true {
            let last: ControlFailure
            do {
                let left = max(1, (end - .now).components.seconds)
                _ = try await call("getblockcount", timeout: min(left, Session.callTimeout))
                return
            } catch let failure as ControlFailure {
                switch failure.kind {
                case .unreachable, .disconnected, .timedOut: break
                case .refused(let error) where error.code == RPCError.Code.warmingUp.rawValue: break
                case .refused, .badAnswer: throw failure
                }
                last = failure
            }
            guard .now < end else {
                throw NotReady(message: "not within \(seconds) s: \(last.message)", hint: last.hint)
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func method(_ name: String, _ arguments: [String]) async throws {
        guard let method = RPCMethod.named(name) else {
            throw UsageFailure(
                message: "there is no command \(name)",
                hint: Suggestion.nearest(to: name).map { "did you mean \($0)?" }
                    ?? "`timecoin-cli help` lists what there is")
        }
        guard arguments.count <= method.parameters.count,
            arguments.count >= method.parameters.filter(\.isRequired).count
        else { throw UsageFailure(message: "usage: timecoin-cli \(method.usage)", hint: method.summary) }
        let parameters = try zip(method.parameters, try read(arguments)).map { parameter, text -> JSONValue in
            switch parameter.kind {
            case .integer:
                guard let number = Int64(text) else {
                    throw UsageFailure(
                        message: "\(parameter.name) is a whole number, not \(text)", hint: method.usage)
                }
                return .integer(number)
            case .boolean:
                guard text == "true" || text == "false" else {
                    throw UsageFailure(
                        message: "\(parameter.name) is true or false, not \(text)", hint: method.usage)
                }
                return .bool(text == "true")
            case .json:
                do {
                    return try JSONValue(parsing: Array(text.utf8))
                } catch {
                    throw UsageFailure(
                        message: "\(parameter.name) is not JSON: \(error)", hint: method.usage)
                }
            case .path:
                return .string(
                    text.hasPrefix("/") ? text : FileManager.default.currentDirectoryPath + "/" + text)
            case .string, .amount, .block: return .string(text)
            }
        }
        let timeout = name == "backup" ? line.timeout ?? Session.backupTimeout : nil
        Output.result(try await call(name, parameters, timeout: timeout), line.output)
    }

    /// With standard input in the place of `-`: no system takes a large transaction as an argument.
    private func read(_ arguments: [String]) throws -> [String] {
        guard arguments.contains("-") else { return arguments }
        guard arguments.filter({ $0 == "-" }).count == 1 else {
            throw UsageFailure(message: "only one parameter can be read from standard input", hint: nil)
        }
        let data = FileHandle.standardInput.readDataToEndOfFile()
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return arguments.map { $0 == "-" ? text : $0 }
    }

    /// A node that ends may close the connection before its answer is out: that is what was asked.
    private func stop(_ words: [String]) async throws {
        do {
            try await method("stop", words)
        } catch let failure as ControlFailure where failure.kind == .disconnected {
            Output.note("the node closed the connection: it stops")
        }
    }

    private func help(_ words: [String]) throws {
        guard let name = words.first else {
            Output.line(
                "usage: timecoin-cli [--socket P | --datadir D [--network N]] [-o human|json|compact] "
                    + "[--wait-ready] [--timeout S] COMMAND"
            )
            for (verb, summary) in Session.verbs { Output.line("  \(verb) — \(summary)") }
            Output.line("\nOptions, anywhere:")
            for option in CommandOption.all {
                Output.line("  \(option.usage) — \(option.summary)")
            }
            Output.line("\nMethods of the node; a parameter written as - is read from standard input:")
            for method in RPCMethod.all { Output.line("  \(method.usage) — \(method.summary)") }
            return
        }
        guard let method = RPCMethod.named(name) else {
            throw UsageFailure(
                message: "there is no method \(name)", hint: "`timecoin-cli help` lists what there is")
        }
        Output.line("\(method.usage)\n\(method.summary)")
        for parameter in method.parameters {
            Output.line("  \(parameter.name) (\(parameter.kind.rawValue)): \(parameter.summary)")
        }
    }

    private func wallet(_ words: [String]) async throws {
        switch words.first {
        case "address": Output.result(try await call("getnewaddress"), line.output)
        case "lock": _ = try await call("walletlock")
        case "unlock": _ = try await call("walletpassphrase", [.string(try passphrase())])
        default: throw UsageFailure(message: "usage: timecoin-cli wallet unlock|lock|address", hint: nil)
        }
    }

    /// From a file, typed without echo, or from standard input; never from an argument.
    private func passphrase() throws -> String {
        if let path = line.passphraseFile {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw UsageFailure(message: "cannot read the passphrase file \(path)", hint: nil)
            }
            return String(text.split(separator: "\n", omittingEmptySubsequences: false).first ?? "")
        }
        if isatty(0) == 1 { return getpass("passphrase: ").map { String(cString: $0) } ?? "" }
        return readLine() ?? ""
    }

    /// Prints the identifier before it waits: a timeout is not a failure of the payment.
    private func send(_ words: [String]) async throws -> ExitCode {
        guard words.count == 2 else {
            throw UsageFailure(message: "usage: timecoin-cli send ADDRESS AMOUNT [--wait]", hint: nil)
        }
        let cursor = line.waits ? try await call("getevents")["next"]?.integer ?? 0 : 0
        let txid = try await call("sendtoaddress", [.string(words[0]), .string(words[1])])
        if line.output == .human { Output.line(txid.string ?? "") }
        guard line.waits else {
            if line.output != .human {
                Output.result(.object(["txid": txid, "final": .bool(false)]), line.output)
            }
            return .ok
        }
        let final = try await waitForFinality(of: txid, from: cursor)
        if line.output != .human {
            Output.result(
                .object(["txid": txid, "final": .bool(final != nil), "height": final ?? .null]), line.output)
        } else if let height = final?.integer {
            Output.note("final in block \(height)")
        } else {
            Output.note(
                "still pending: `timecoin-cli gettransaction \(txid.string ?? "")` tells when it is final")
        }
        return final == nil ? .temporary : .ok
    }

    private func waitForFinality(of txid: JSONValue, from start: Int64) async throws -> JSONValue? {
        let end = Date().addingTimeInterval(Double(line.timeout ?? Session.finalityTimeout))
        var cursor = start
        while Date() < end {
            let answer = try await call("gettransaction", [txid], timeout: Session.callTimeout)
            if answer["final"]?.bool == true { return answer["height"] }
            let left = max(1, min(5, Int64(end.timeIntervalSinceNow)))
            let events = try await call(
                "getevents", [.integer(cursor), .integer(left)], timeout: Session.callTimeout)
            cursor = events["next"]?.integer ?? cursor
        }
        return nil
    }
}
