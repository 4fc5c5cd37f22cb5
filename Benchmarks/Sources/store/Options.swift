import Foundation

/// What the command line asks for.
struct Options {
    /// Unspent outputs in the set that blocks are connected to.
    var outputs = 1_000_000
    /// Blocks that made the set.
    var blocks = 1000
    /// Payments in a measured block.
    var payments = 5000
    /// Measured blocks, each in turn with its reference.
    var turns = 7
    /// Where sets are kept, so that a later run finds them.
    var directory = "/tmp/timecoin-bench-store"
    /// A Python with py-bitcoinkernel, and a file of blocks for it.
    var kernel: (python: String, chain: String)?
    var figures: Set<String> = []

    static let allFigures: Set<String> = ["connect", "operations", "reads", "open", "size", "scrub", "whole"]
    static let usage = """
        usage: store [--quick] [--outputs N] [--blocks N] [--payments N] [--turns N] [--directory DIRECTORY]
                     [--kernel PYTHON CHAIN] [connect|operations|reads|open|size|scrub|whole]…

        """

    /// `nil` for what cannot be understood.
    init?(_ arguments: [String]) {
        var rest = arguments[...]
        func number(_ text: String?) -> Int? { text.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } }
        while let next = rest.popFirst() {
            switch next {
            case "--quick": (outputs, blocks, payments, turns) = (50_000, 50, 1000, 3)
            case "--outputs":
                guard let value = number(rest.popFirst()) else { return nil }
                outputs = value
            case "--blocks":
                guard let value = number(rest.popFirst()) else { return nil }
                blocks = value
            case "--payments":
                guard let value = number(rest.popFirst()) else { return nil }
                payments = value
            case "--turns":
                guard let value = number(rest.popFirst()) else { return nil }
                turns = value
            case "--directory":
                guard let value = rest.popFirst() else { return nil }
                directory = value
            case "--kernel":
                guard let python = rest.popFirst(), let chain = rest.popFirst() else { return nil }
                kernel = (python, chain)
            default:
                guard Options.allFigures.contains(next) else { return nil }
                figures.insert(next)
            }
        }
        if figures.isEmpty { figures = Options.allFigures }
    }

    func wants(_ figure: String) -> Bool { figures.contains(figure) }
}

/// Says what goes on, where it does not disturb the figures.
func note(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
}

struct Failed: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
