import Foundation
import Testing

/// The rules that hold the house together, read off the sources as text.
@Suite("House rules")
struct HouseTests {
    /// What each target may import. System modules of C and of the standard library are listed too.
    static let imports: [String: Set<String>] = [
        "TimeCoinCore": ["CSodium"],
        "TimeCoinConsensus": ["TimeCoinCore"],
        "TimeCoinNet": [
            "TimeCoinCore", "NIOCore", "NIOPosix", "NIOSSL", "NIOTLS", "X509", "SwiftASN1", "Crypto",
            "Logging",
            "DequeModule", "Synchronization", "FoundationEssentials",
        ],
        "TimeCoinStore": ["TimeCoinCore", "CLMDB", "Glibc", "Darwin", "Synchronization"],
        "TimeCoinStoreConformance": ["TimeCoinCore", "TimeCoinStore"],
        "TimeCoinControl": ["TimeCoinCore", "NIOCore", "NIOPosix", "NIOHTTP1", "Foundation"],
        "TimeCoinNode": [
            "TimeCoinCore", "TimeCoinConsensus", "TimeCoinNet", "TimeCoinStore", "TimeCoinControl", "CSodium",
            "NIOCore", "NIOPosix", "NIOHTTP1", "Logging", "UnixSignals", "DequeModule", "HeapModule",
            "Synchronization", "Foundation", "Dispatch",
        ],
        "TimeCoinTesting": [
            "TimeCoinCore", "TimeCoinConsensus", "TimeCoinNet", "TimeCoinStore", "TimeCoinNode",
            "Synchronization", "Logging",
        ],
        "timecoin-simulator": ["TimeCoinTesting", "TimeCoinControl", "ArgumentParser", "Foundation"],
        "timecoin-node": [
            "TimeCoinNode", "TimeCoinControl", "TimeCoinCore", "TimeCoinNet", "TimeCoinStore",
            "ArgumentParser",
            "Logging", "UnixSignals", "Foundation",
        ],
        "timecoin-cli": ["TimeCoinControl", "Foundation"],
    ]

    /// Nothing that decides may know the time, chance, files or threads, or trap.
    static let forbiddenInDecisions = [
        "Task {", "Task.detached", " actor ", "async ", "await ", "print(", ".random(", "Date(",
        "ContinuousClock",
        "Double", "Float", "DispatchQueue", "FileManager", "precondition(", "@unchecked Sendable",
    ]
    static let forbiddenEverywhere = [
        "try!", "as!", "fatalError(", "Task.detached", "nonisolated(unsafe)", "TODO", "FIXME",
        "swiftlint:disable",
    ]

    static let linesMax = 500
    static let columnsMax = 110
    static let functionLinesMax = 70

    struct Source {
        let target: String
        let path: String
        let lines: [String]
    }

    static let sources: [Source] = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources")
        let paths = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        return paths.filter { $0.hasSuffix(".swift") }.sorted().compactMap { path in
            guard let text = try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8),
                let target = path.split(separator: "/").first
            else { return nil }
            return Source(
                target: String(target), path: path,
                lines: text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        }
    }()

    static func imported(_ line: String) -> String? {
        let words = line.split(separator: " ").map(String.init)
        guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
            words[..<place].allSatisfy({
                ["public", "internal", "private", "package", "@testable"].contains($0)
            })
        else { return nil }
        return words[place + 1].split(separator: ".").first.map(String.init)
    }

    /// Code without comments and without what stands in string literals.
    static func code(_ line: String) -> String {
        var result = ""
        var inString = false
        var previous: Character = " "
        for character in line {
            if character == "\"", previous != "\\" { inString.toggle() }
            if !inString, character == "/", previous == "/" { return String(result.dropLast()) }
            if !inString { result.append(character) }
            previous = character
        }
        return result
    }

    /// Where functions and initialisers begin, and how many lines they have: to the brace in the same column,
    /// where the formatter puts it.
    static func functions(_ lines: [String]) -> [(line: Int, count: Int)] {
        lines.indices.compactMap { start in
            let words = lines[start].split(separator: " ")
            guard words.contains(where: { $0 == "func" || $0.hasPrefix("init(") || $0.hasPrefix("init?(") })
            else { return nil }
            let margin = String(lines[start].prefix { $0 == " " })
            guard
                let end = lines[start...].firstIndex(where: {
                    $0 == margin + "}" || $0.hasPrefix(margin + "} ")
                })
            else { return nil }
            return (start + 1, end - start + 1)
        }
    }

    @Test("the scanners see what they are for")
    func scannersWork() {
        let long = ["    func long() {"] + [String](repeating: "        work()", count: 70) + ["    }"]
        #expect(Self.functions(["struct A {"] + long + ["}"]).map(\.count) == [72])
        #expect(Self.imported("public import TimeCoinStore") == "TimeCoinStore")
        #expect(Self.imported("let import = 3") == nil)
        #expect(Self.code("let a = try! b() // why") == "let a = try! b() ")
        #expect(!Self.code("print(\"try! this\")").contains("try!"))
        #expect(Self.sources.count > 50)
    }

    @Test("imports go only where the design allows")
    func arrows() {
        for source in Self.sources {
            for line in source.lines {
                guard let module = Self.imported(line) else { continue }
                #expect(
                    Self.imports[source.target]?.contains(module) == true, "\(source.path) imports \(module)")
                if module == "CSodium", source.target == "TimeCoinNode" {
                    #expect(source.path.hasPrefix("TimeCoinNode/Keys/"), "\(source.path) imports CSodium")
                }
            }
        }
    }

    @Test("K23: nothing that decides knows time, chance, files or threads; nothing traps")
    func forbidden() {
        for source in Self.sources {
            let decides =
                source.target == "TimeCoinCore" || source.target == "TimeCoinConsensus"
                || source.path.contains("/Reactor/Reactor") || source.path.hasSuffix("/CatchUp.swift")
                || source.path.hasSuffix("/TransactionGossip.swift") || source.path.contains("/Mempool/")
            let forbidden = Self.forbiddenEverywhere + (decides ? Self.forbiddenInDecisions : [])
            for (number, line) in source.lines.enumerated() {
                let code = Self.code(line)
                for word in forbidden where code.contains(word) {
                    Issue.record("\(source.path):\(number + 1) has \(word)")
                }
            }
        }
    }

    @Test("only the simulator checks signatures by anything but Ed25519")
    func injectedSignatures() {
        for source in Self.sources where source.target != "TimeCoinTesting" {
            for (number, line) in source.lines.enumerated() {
                let code = Self.code(line)
                let isDeclaration = source.path.hasSuffix("Consensus/SignatureCheck.swift")
                if code.contains("SignatureCheck("), !isDeclaration {
                    Issue.record("\(source.path):\(number + 1) makes a check of signatures of its own")
                }
            }
        }
    }

    @Test("files stay within their budget of lines and columns")
    func budgets() {
        for source in Self.sources {
            #expect(source.lines.count <= Self.linesMax, "\(source.path) has \(source.lines.count) lines")
            for function in Self.functions(source.lines) where function.count > Self.functionLinesMax {
                Issue.record("\(source.path):\(function.line): a function of \(function.count) lines")
            }
            for (number, line) in source.lines.enumerated() where line.count > Self.columnsMax {
                Issue.record("\(source.path):\(number + 1) has \(line.count) columns")
            }
        }
    }
}
