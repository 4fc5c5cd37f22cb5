import Foundation

/// Published test data that is not part of the project: JSON lists in the folder of `TIMECOIN_VECTORS`, or in
/// `shared/vectors` beside the project. Where a set is missing its tests are skipped, and that is said.
public enum ExternalVectors {
    /// Every set about something that the project does; a new one must be named here.
    private static let sets = [
        "script_nosig", "script_sigshape", "tx_nosig", "sighash_preimage", "ed25519_cctv",
        "ed25519_sign_input", "ed25519_speccheck", "ed25519_wycheproof", "ed25519_zip215", "hash_blake2b256",
        "hash_blake2b256_salt_personal", "hash_sha256", "bech32m_strings", "merkle_rfc6962",
        "bft_light_steps", "bft_commit_table", "json_parsing",
    ]

    /// Sets about what the project does not do yet, and what that is.
    private static let notApplicable = [
        "bip39": "no key is made from words", "slip0010_ed25519": "no key is derived from another",
    ]

    /// The sets that are there; what is missing, and what does not apply, is printed once.
    private static let present: Set<String> = {
        for (set, reason) in notApplicable.sorted(by: { $0.key < $1.key }) {
            guard let data = try? Data(contentsOf: file(set)),
                let rows = try? JSONSerialization.jsonObject(with: data) as? [Any]
            else { continue }
            report(set, run: 0, skipped: rows.count, because: reason)
        }
        let found = sets.filter { FileManager.default.isReadableFile(atPath: file($0).path) }
        if found.count < sets.count {
            let missing = sets.filter { !found.contains($0) }
            print(
                "EXTERNAL VECTORS: \(missing.count) of \(sets.count) sets missing, their tests are skipped:"
            )
            print("EXTERNAL VECTORS: \(missing.joined(separator: ", ")); looked in \(folder.path)")
        }
        return Set(found)
    }()

    /// Whether the set is there: the condition of the tests that need it.
    public static func contains(_ set: String) -> Bool { present.contains(set) }

    /// The rows of a set; `snake_case` names in the file are `camelCase` properties. A set without rows
    /// throws, so that no test passes for having had nothing to do.
    public static func rows<Row: Decodable>(_ set: String, as _: Row.Type = Row.self) throws -> [Row] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let rows = try decoder.decode([Row].self, from: try Data(contentsOf: file(set)))
        guard !rows.isEmpty else { throw EmptySet(name: set) }
        return rows
    }

    /// Says how much of a set ran.
    public static func report(_ set: String, run: Int, skipped: Int, because reason: String) {
        print("external vectors: \(set): \(run) run, \(skipped) skipped\(skipped > 0 ? " (\(reason))" : "")")
    }

    private struct EmptySet: Error {
        let name: String
    }

    private static func file(_ set: String) -> URL { folder.appendingPathComponent("\(set).json") }

    private static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["TIMECOIN_VECTORS"] {
            return URL(fileURLWithPath: path, isDirectory: true)
        }
        // Tests/TestVectors/ExternalVectors.swift, three levels below the root.
        var root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        for _ in 0..<3 { root.deleteLastPathComponent() }
        return root.deletingLastPathComponent().appendingPathComponent("shared/vectors", isDirectory: true)
    }()
}
