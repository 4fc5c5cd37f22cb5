import Foundation
public import TimeCoinControl
public import TimeCoinCore

/// What a backup says of itself, in `backup.json` beside the copy.
public struct BackupManifest: Hashable, Sendable {
    /// The form of backups that this program writes and reads.
    static let currentFormat: UInt32 = 1
    static let fileName = "backup.json"
    /// Bytes of the file at most.
    static let bytesMax = 64 << 10
    /// What is in no backup, and why nobody should put it there.
    public static let excluded = ["sign record", "journal", "keys", "wallet", "mempool"]

    public let network: Network
    /// Hash of the genesis block.
    public let chain: Hash256
    public let height: Height
    /// Hash of the tip.
    public let hash: Hash256
    public let stateRoot: Hash256
    public let outputs: UInt64
    /// When the copy was verified.
    public let time: Timestamp
    /// The program that made it.
    public let program: String

    init(_ verified: VerifiedDatabase, network: Network, chain: Hash256, at time: Timestamp) {
        self.network = network
        self.chain = chain
        height = verified.height
        hash = verified.hash
        stateRoot = verified.stateRoot
        outputs = verified.outputs
        self.time = time
        program = "timecoin \(NodeProgram.version)"
    }

    public var json: JSONValue {
        .object([
            "format": .integer(BackupManifest.currentFormat), "network": .string(network.rawValue),
            "chain": .string(chain.description), "height": .integer(height),
            "hash": .string(hash.description), "stateroot": .string(stateRoot.description),
            "outputs": .integer(outputs), "time": .integer(time.milliseconds), "program": .string(program),
            "excluded": .array(BackupManifest.excluded.map { .string($0) }),
        ])
    }

    public var text: String { BackupManifest.text(of: json) }

    /// What a manifest says, in words; a node may have written it.
    public static func text(of json: JSONValue) -> String {
        let excluded = json["excluded"]?.array?.compactMap(\.string).joined(separator: ", ")
        return "height      \(json["height"]?.token ?? "?")\nhash        \(json["hash"]?.token ?? "?")\n"
            + "state root  \(json["stateroot"]?.token ?? "?")\n"
            + "not in it   \(excluded ?? "?"): the sign record is never copied nor restored"
    }

    /// - Throws: ``DatabaseFailure``: `missing`, `badInput`.
    init(readingFrom directory: String) throws(DatabaseFailure) {
        let path = "\(directory)/\(BackupManifest.fileName)"
        guard let data = FileManager.default.contents(atPath: path) else {
            throw DatabaseFailure(.missing, "there is no backup in \(directory): it has no \(Self.fileName)")
        }
        guard data.count <= BackupManifest.bytesMax, let json = try? JSONValue(parsing: Array(data)) else {
            throw DatabaseFailure(.badInput, "\(path) cannot be read")
        }
        guard let format = json["format"]?.integer, format == Int64(BackupManifest.currentFormat) else {
            throw DatabaseFailure(
                .badInput,
                "\(path) has format \(json["format"]?.token ?? "none"), this program reads "
                    + "\(BackupManifest.currentFormat)", hint: "use the program that made the backup")
        }
        guard let network = json["network"]?.string.flatMap({ Network(rawValue: $0) }),
            let chain = json["chain"]?.string.flatMap({ Hash256(hex: $0) }),
            let height = json["height"]?.integer.flatMap({ Height(exactly: $0) }),
            let hash = json["hash"]?.string.flatMap({ Hash256(hex: $0) }),
            let stateRoot = json["stateroot"]?.string.flatMap({ Hash256(hex: $0) }),
            let outputs = json["outputs"]?.integer.flatMap({ UInt64(exactly: $0) }),
            let time = json["time"]?.integer.flatMap({ UInt64(exactly: $0) }),
            let program = json["program"]?.string
        else { throw DatabaseFailure(.badInput, "\(path) lacks what a backup says of itself") }
        self.network = network
        self.chain = chain
        self.height = height
        self.hash = hash
        self.stateRoot = stateRoot
        self.outputs = outputs
        self.time = Timestamp(milliseconds: time)
        self.program = program
    }
}
