public import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

/// Why a command on a database does nothing, or no more; what it says is for the operator.
public struct DatabaseFailure: Error, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// A node, or another command, has the database open.
        case inUse = "in-use"
        /// There is no database, or no backup.
        case missing
        /// Something is there that would be overwritten.
        case exists
        /// The rules forbid it.
        case refused
        /// What was handed in is damaged, cut, or of another chain.
        case badInput = "bad-input"
        /// The database contradicts itself or the chain.
        case damaged
        /// Something from outside ended it before its end.
        case interrupted
    }

    public let kind: Kind
    public let description: String
    /// What to do next.
    public let hint: String?

    init(_ kind: Kind, _ description: String, hint: String? = nil) {
        self.kind = kind
        self.description = description
        self.hint = hint
    }

    /// How the program is to end.
    public var exitCode: ExitCode {
        switch kind {
        case .inUse, .interrupted: .temporary
        case .missing: .configuration
        case .exists, .refused: .refused
        case .badInput: .badInput
        case .damaged: .ioError
        }
    }

    static func noDatabase(_ path: String) -> DatabaseFailure {
        DatabaseFailure(
            .missing, "there is no database in \(path)",
            hint: "`timecoin-node run` fetches the chain from peers; `restore`, `snapshot load` and "
                + "`db import` bring one")
    }

    static func databaseExists(_ path: String) -> DatabaseFailure {
        DatabaseFailure(
            .exists, "there is a database in \(path)",
            hint: "add --replace: the one that is there is kept beside it")
    }

    static func inUse(_ directory: NodeDirectory) -> DatabaseFailure {
        DatabaseFailure(
            .inUse, "a running node, or another command, has the database of \(directory.root) open",
            hint: "stop the node first: `timecoin-cli --datadir \(directory.dataDirectory) --network "
                + "\(directory.network.rawValue) stop`; only `backup` and `snapshot create` work beside it")
    }
}
