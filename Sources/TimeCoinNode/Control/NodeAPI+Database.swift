import TimeCoinControl
import TimeCoinStore

/// What is done with the database beside a running node.
extension NodeAPI {
    /// A hot copy, verified. What goes wrong with it is no fault of the node's own database.
    func makeBackup(_ parameters: CallParameters) async throws -> JSONValue {
        let target = parameters.string("directory") ?? ""
        guard target.hasPrefix("/") else {
            throw RPCError(.invalidParameter, "bad-path", "\(target) is no absolute path")
        }
        do {
            return try await backup.makeBeside(target).json
        } catch let failure as DatabaseFailure {
            throw RPCError(.rejected, failure.kind.rawValue, failure.description, hint: failure.hint)
        } catch let failure as StoreFailure {
            throw RPCError(.rejected, "backup-failed", "\(failure)")
        }
    }
}
