import Foundation
import Testing

@testable import TimeCoinCore

/// The pages of the specification and the names of the code say the same.
@Suite("Specification")
struct SpecificationTests {
    private static let pages = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Docs/Protocol")

    private func page(_ name: String) throws -> String {
        try String(contentsOf: Self.pages.appendingPathComponent("\(name).md"), encoding: .utf8)
    }

    /// The rows of a page whose first cell is one letter and a number, as rule and rejection names.
    private func rules(_ page: String, _ letter: Character) throws -> [(rule: String, names: [String])] {
        try self.page(page).split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 4, cells[0].first == letter, Int(cells[0].dropFirst()) != nil else {
                return nil
            }
            return (cells[0], [cells[2].trimmingCharacters(in: CharacterSet(charactersIn: "`"))])
        }
    }

    @Test("every rule has a number in sequence, and names a rejection that the code has")
    func ruleTables() throws {
        let transactions = try rules("Transactions", "T")
        #expect(transactions.map(\.rule) == (1...24).map { "T\($0)" })
        let known = Set(TransactionRejection.Rule.allCases.map(\.rawValue))
        #expect(Set(transactions.flatMap(\.names)).union(["malformed"]) == known)
        let blocks = try rules("Blocks", "B")
        #expect(blocks.map(\.rule) == (1...26).map { "B\($0)" })
        #expect(Set(blocks.flatMap(\.names)) == Set(BlockRejection.Rule.allCases.map(\.rawValue)))
    }

    @Test("every rejection of a script stands on the page of scripts")
    func scripts() throws {
        let page = try page("Scripts")
        for rejection in ScriptRejection.allCases {
            #expect(page.contains("`\(rejection.rawValue)`"), "\(rejection.rawValue)")
        }
    }

    @Test("every hash domain stands on the page of primitives")
    func domains() throws {
        let page = try page("Primitives")
        for domain in HashDomain.allCases {
            #expect(page.contains("| \(domain) | `\(domain.name)` |"), "\(domain)")
        }
    }
}
