import Foundation
import TimeCoinControl

/// Talks to a node: reads the command line, makes a call, prints the answer.
@main
struct TimeCoinCLI {
    static let version = "0.1.0"

    static func main() async {
        // A closed pipe ends the output, not the program with a message.
        signal(SIGPIPE, SIG_DFL)
        let status = await run(Array(CommandLine.arguments.dropFirst()))
        exit(status.rawValue)
    }

    private static func run(_ arguments: [String]) async -> ExitCode {
        var json = false
        do {
            let line = try CommandLineInput(arguments)
            json = line.output != .human
            return try await Session(line).run()
        } catch let failure as UsageFailure {
            Output.error(reason: "usage", failure.message, hint: failure.hint, asJSON: json)
            return .usage
        } catch let failure as ControlFailure {
            if case .refused(let error) = failure.kind {
                Output.error(error, asJSON: json)
            } else {
                Output.error(
                    reason: failure.exitCode == .unreachable ? "unreachable" : "no-answer", failure.message,
                    hint: failure.hint, asJSON: json)
            }
            return failure.exitCode
        } catch {
            Output.error(reason: "internal-error", "\(error)", hint: nil, asJSON: json)
            return .internalError
        }
    }
}
