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
        // An error of the command line itself is told in the form that the line asks for, as far as it goes.
        var json = CommandLineInput.asksForJSON(arguments)
        do {
            let line = try CommandLineInput(arguments)
            json = line.output != .human
            return try await Session(line).run()
        } catch let failure as UsageFailure {
            Output.error(.usage, reason: "usage", failure.message, hint: failure.hint, asJSON: json)
            return .usage
        } catch let failure as SocketPath.Failure {
            Output.error(
                .configuration, reason: "unsafe-socket", failure.description, hint: failure.hint, asJSON: json
            )
            return .configuration
        } catch let failure as NotReady {
            Output.error(.temporary, reason: "not-ready", failure.message, hint: failure.hint, asJSON: json)
            return .temporary
        } catch let failure as ControlFailure {
            if case .refused(let error) = failure.kind {
                Output.error(error, asJSON: json)
            } else {
                Output.error(
                    failure.exitCode, reason: reason(failure), failure.message, hint: failure.hint,
                    asJSON: json)
            }
            return failure.exitCode
        } catch {
            Output.error(.internalError, reason: "internal-error", "\(error)", hint: nil, asJSON: json)
            return .internalError
        }
    }

    private static func reason(_ failure: ControlFailure) -> String {
        failure.exitCode == .unreachable ? "unreachable" : "no-answer"
    }
}
