import ArgumentParser
import Foundation
import TimeCoinControl
import TimeCoinCore
import TimeCoinNet
import TimeCoinNode
import TimeCoinStore

/// Ends the program with the message and the status that fit an error.
enum CommandFailure {
    static func end(_ error: any Error, _ command: any ParsableCommand.Type, asJSON: Bool) -> Never {
        guard !isOf(["ArgumentParser", "ArgumentParserToolInfo"], error) else {
            command.exit(withError: error)
        }
        let status = status(of: error)
        let message = message(of: error)
        let hint = hint(of: error)
        if asJSON {
            let json = JSONValue.object([
                "code": .integer(Int(status.rawValue)), "reason": .string(reason(of: error, status)),
                "message": .string(message), "hint": .optional(hint),
            ])
            StandardStreams.note(json.compact)
        } else {
            StandardStreams.note("error: \(message)")
            if let hint { StandardStreams.note("hint: \(hint)") }
        }
        exit(status.rawValue)
    }

    private static func hint(of error: any Error) -> String? {
        switch error {
        case let failure as SocketPath.Failure: failure.hint
        case let failure as DatabaseFailure: failure.hint
        case let failure as ControlFailure: failure.hint
        case let error as RPCError: error.hint
        case let failure as StoreFailure where failure.code == .corrupt:
            "`timecoin-node db verify` with the same --datadir and --network says what is damaged and what "
                + "to do"
        default: nil
        }
    }

    /// One word that a program can tell it by; where there is no closer one, that of the exit status.
    private static func reason(of error: any Error, _ status: TimeCoinControl.ExitCode) -> String {
        switch error {
        case let failure as DatabaseFailure: return failure.kind.rawValue
        case let failure as StoreFailure: return failure.code.rawValue
        case let error as RPCError: return error.reason
        case let failure as ControlFailure:
            guard case .refused(let error) = failure.kind else { return "unreachable" }
            return error.reason
        default: return word(status)
        }
    }

    private static func word(_ status: TimeCoinControl.ExitCode) -> String {
        switch status {
        case .badInput: "bad-input"
        case .ioError: "io"
        case .configuration: "configuration"
        case .permission: "permission"
        case .temporary: "temporary"
        case .refused: "refused"
        default: "internal-error"
        }
    }

    /// A type that is not named here is a defect of this program, and is told as one.
    private static func status(of error: any Error) -> TimeCoinControl.ExitCode {
        switch error {
        case let failure as StoreFailure: status(of: failure.code)
        case let failure as KeyFailure:
            switch failure {
            case .wrongPassphrase: .permission
            case .io, .outOfMemory: .ioError
            case .missing, .exists, .openToOthers, .malformed: .configuration
            }
        case let failure as GenesisDocument.Failure: failure.isFaultOfDisk ? .ioError : .configuration
        case let failure as LocalNetwork.Failure: failure.status
        case let failure as ControlFailure: failure.exitCode
        case is Genesis.Failure, is SocketPath.Failure: .configuration
        case is NodeIdentity.Failure: .internalError
        case let failure as DatabaseFailure: failure.exitCode
        case is ParsedFailure, is HexFile.Failure: .badInput
        case is RecoveryDesk.Refusal: .refused
        case is RecoveryRejection, is ForkProofRejection: .ioError
        case let refusal as RPCError: refusal.exitCode
        case is TrialEnded: .temporary
        case is ListenFailure: .ioError
        // What is kept on disk cannot be read any more.
        case is DecodingFailure: .ioError
        case is CocoaError, is POSIXError: .ioError
        default: isOf(["NIOCore", "NIOPosix"], error) ? .ioError : .internalError
        }
    }

    private static func status(of code: StoreFailure.Code) -> TimeCoinControl.ExitCode {
        switch code {
        case .locked, .wrongChain, .wrongOptions, .formatTooNew, .formatTooOld, .networkFileSystem, .missing,
            .exists:
            .configuration
        case .io, .full, .corrupt, .latched: .ioError
        case .wrongHeight, .missingOutput, .duplicateOutput, .invalidCommit, .noUndo, .tooLarge, .outOfOrder,
            .closed:
            .internalError
        }
    }

    /// Foundation's errors describe themselves for programmers.
    private static func message(of error: any Error) -> String {
        switch error {
        case let fault as CocoaError: fault.sentence
        case let fault as POSIXError: String(cString: strerror(fault.code.rawValue))
        default: "\(error)"
        }
    }

    /// Whether the error's type belongs to one of these modules, whose types are not all public here.
    private static func isOf(_ modules: [String], _ error: any Error) -> Bool {
        let type = String(reflecting: Swift.type(of: error))
        return modules.contains { type.hasPrefix($0 + ".") }
    }
}

extension CocoaError {
    /// The path, and what the system said about it.
    fileprivate var sentence: String {
        let cause = (underlying as? POSIXError).map { String(cString: strerror($0.code.rawValue)) }
        let reason = cause ?? localizedDescription
        return filePath.map { "\($0): \(reason)" } ?? reason
    }
}

/// Input that was read and is wrong.
struct ParsedFailure: Error, CustomStringConvertible {
    let description: String
}
