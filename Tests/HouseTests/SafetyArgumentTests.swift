import Foundation
import Testing

/// The safety argument names functions, laws and tests: what it names must be there.
@Suite("Safety argument")
struct SafetyArgumentTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// What stands between single grave accents.
    private static func names(_ text: String) -> [String] {
        text.replacing("``", with: "").split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    /// Every name that is declared in a folder.
    private static func declared(in folder: String) throws -> Set<String> {
        let paths =
            FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)?
            .compactMap { $0 as? String } ?? []
        var found: Set<String> = []
        for path in paths where path.hasSuffix(".swift") {
            let words = try text("\(folder)/\(path)").split { !$0.isLetter && !$0.isNumber && $0 != "_" }
            for (keyword, name) in zip(words, words.dropFirst())
            where ["func", "struct", "enum", "class", "case", "var", "let"].contains(keyword) {
                found.insert(String(name))
            }
        }
        return found
    }

    @Test("every function, law, test and file that it names exists")
    func names() throws {
        let argument = try Self.text(
            "Sources/TimeCoinConsensus/TimeCoinConsensus.docc/SafetyArgument.md")
        let declared = try Self.declared(in: "Sources").union(Self.declared(in: "Tests")).union(["init"])
        let names = Self.names(argument)
        #expect(names.count > 40)
        for name in names {
            if name.contains("/") || name.hasSuffix(".txt") {
                let path = name.contains("/") ? name : "Tests/Scenarios/\(name)"
                let file = Self.root.appendingPathComponent(path).path
                #expect(FileManager.default.fileExists(atPath: file), "there is no \(path)")
            } else if !name.contains("-") {
                let plain = name.split(separator: "(").first ?? ""
                for part in plain.split(separator: ".") {
                    #expect(declared.contains(String(part)), "there is no \(name)")
                }
            }
        }
    }
}
