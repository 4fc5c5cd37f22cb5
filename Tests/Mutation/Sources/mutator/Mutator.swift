import Foundation

/// Changes sources behind switches, so that one build holds every mutant and an environment variable chooses
/// one.
///
///     mutator choose COUNT SEED ROOT FOLDER…     prints the chosen: number, file, line, change, new line
///     mutator apply LIST ROOT                    writes them into the sources below ROOT
///     mutator drop LIST LOG                      prints the list without those that the compiler refuses
@main
struct Mutator {
    /// Texts for people and tables of names have no rules in them.
    static let leftAlone = ["ScriptText", "Opcode+Name", "Rejection", "Failure", "Footprint"]

    struct Chosen {
        let number: Int
        let path: String
        let line: Int
        let change: String
        let replacement: String

        init(number: Int, path: String, _ mutation: Mutation) {
            self.number = number
            self.path = path
            line = mutation.line
            change = mutation.change
            replacement = mutation.replacement.replacingOccurrences(
                of: "mutant(#)", with: "mutant(\(number))")
        }

        init?(_ text: Substring) {
            let parts = text.split(separator: "\t", maxSplits: 4, omittingEmptySubsequences: false)
            guard parts.count == 5, let number = Int(parts[0]), let line = Int(parts[2]) else { return nil }
            (self.number, self.line) = (number, line)
            (path, change, replacement) = (String(parts[1]), String(parts[3]), String(parts[4]))
        }

        var text: String { "\(number)\t\(path)\t\(line)\t\(change)\t\(replacement)" }
    }

    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("choose", 5...):
            guard let count = Int(arguments[1]), let seed = UInt64(arguments[2]) else { break }
            return try choose(count, seed, arguments[3], Array(arguments[4...]))
        case ("apply", 3): return try apply(try list(arguments[1]), to: arguments[2])
        case ("drop", 3): return try drop(try list(arguments[1]), log: arguments[2])
        default: break
        }
        FileHandle.standardError.write(Data("usage: mutator choose|apply|drop …\n".utf8))
        exit(64)
    }

    static func lines(_ path: String) throws -> [String] {
        try String(contentsOfFile: path, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    static func list(_ path: String) throws -> [Chosen] { try lines(path).compactMap { Chosen($0[...]) } }

    /// As many sites as asked, at most one a line, drawn from all by the seed.
    static func choose(_ count: Int, _ seed: UInt64, _ root: String, _ folders: [String]) throws {
        var all: [(path: String, mutation: Mutation)] = []
        for folder in folders {
            let names =
                FileManager.default.enumerator(atPath: "\(root)/\(folder)")?.compactMap { $0 as? String }
                ?? []
            for name in names.sorted() where name.hasSuffix(".swift") {
                guard !leftAlone.contains(where: name.contains) else { continue }
                let path = "\(folder)/\(name)"
                all += Mutations(of: try lines("\(root)/\(path)")).found.map { (path, $0) }
            }
        }
        FileHandle.standardError.write(Data("\(all.count) mutations in all\n".utf8))
        var generator = SplitMix64(state: seed)
        all.shuffle(using: &generator)
        var taken: Set<String> = []
        var number = 0
        for (path, mutation) in all where number < count {
            guard taken.insert("\(path):\(mutation.line)").inserted else { continue }
            number += 1
            print(Chosen(number: number, path: path, mutation).text)
        }
    }

    static func apply(_ chosen: [Chosen], to root: String) throws {
        for (path, mutants) in Dictionary(grouping: chosen, by: \.path) {
            var source = try lines("\(root)/\(path)")
            for mutant in mutants { source[mutant.line - 1] = mutant.replacement }
            try source.joined(separator: "\n").write(
                toFile: "\(root)/\(path)", atomically: true, encoding: .utf8)
        }
    }

    /// An error stands at the line of its mutant, or where the expression or function around it begins.
    static func drop(_ chosen: [Chosen], log: String) throws {
        var refused: Set<Int> = []
        for line in try lines(log) {
            guard let match = line.firstMatch(of: /(Sources\/[^:]+\.swift):([0-9]+):[0-9]+: error:/),
                let place = Int(match.2)
            else { continue }
            let inFile = chosen.filter { $0.path == String(match.1) }
            if let exact = inFile.first(where: { $0.line == place }) {
                refused.insert(exact.number)
            } else if let near = inFile.min(by: { abs($0.line - place) < abs($1.line - place) }) {
                refused.insert(near.number)
            }
        }
        for mutant in chosen where !refused.contains(mutant.number) { print(mutant.text) }
    }
}

/// The same order for a seed on every machine.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
