import Foundation
import TimeCoinControl

/// Standard output carries the result and nothing else; everything for people goes to standard error.
enum Output {
    static func line(_ text: String) {
        guard !StandardStreams.result(text) else { return }
        note("error: output: the result cannot be written to standard output")
        exit(ExitCode.ioError.rawValue)
    }

    static func note(_ text: String) {
        StandardStreams.note(text)
    }

    /// A bare scalar bare, anything else as JSON.
    static func result(_ json: JSONValue, _ format: OutputFormat) {
        switch json {
        case .string(let text) where format == .human: line(text)
        case .array, .object: line(format == .compact ? json.compact : json.pretty)
        default: line(json.compact)
        }
    }

    static func error(_ error: RPCError, asJSON: Bool) {
        self.error(
            code: error.code, reason: error.reason, error.message, hint: error.hint, asJSON: asJSON)
    }

    /// What went wrong on this side; its code is the status with which the program ends.
    static func error(
        _ status: ExitCode, reason: String, _ message: String, hint: String?, asJSON: Bool
    ) {
        error(code: Int(status.rawValue), reason: reason, message, hint: hint, asJSON: asJSON)
    }

    private static func error(code: Int, reason: String, _ message: String, hint: String?, asJSON: Bool) {
        if asJSON {
            note(
                JSONValue.object([
                    "code": .integer(code), "reason": .string(reason), "message": .string(message),
                    "data": .null, "hint": .optional(hint),
                ]).compact)
        } else {
            note("error: \(reason): \(message)")
            if let hint { note("hint: \(hint)") }
        }
    }
}
