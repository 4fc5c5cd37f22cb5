import ArgumentParser
import Foundation
import TimeCoinControl
import TimeCoinCore
import TimeCoinNode
import TimeCoinStore

/// Ends the program with the message and the status that fit an error.
enum CommandFailure {
    static func end(_ error: any Error, _ command: any ParsableCommand.Type) -> Never {
        guard let status = status(of: error) else { command.exit(withError: error) }
        StandardStreams.note("error: \(error)")
        exit(status.rawValue)
    }

    /// `nil` for what the argument parser itself says.
    private static func status(of error: any Error) -> TimeCoinControl.ExitCode? {
        switch error {
        case let failure as StoreFailure:
            switch failure.code {
            case .locked, .wrongChain, .formatTooNew, .formatTooOld, .networkFileSystem: .configuration
            default: .ioError
            }
        case let failure as KeyFailure:
            switch failure {
            case .wrongPassphrase: .permission
            case .io, .outOfMemory: .ioError
            default: .configuration
            }
        case is GenesisDocument.Failure, is Genesis.Failure: .configuration
        case is LocalNetwork.Failure: .refused
        case is ControlFailure: .unreachable
        case is ParsedFailure: .badInput
        default: isParser(error) ? nil : .ioError
        }
    }

    private static func isParser(_ error: any Error) -> Bool {
        let type = String(reflecting: Swift.type(of: error))
        return type.hasPrefix("ArgumentParser.") || type.hasPrefix("ArgumentParserToolInfo.")
    }
}

/// Input that was read and is wrong.
struct ParsedFailure: Error, CustomStringConvertible {
    let description: String
}
