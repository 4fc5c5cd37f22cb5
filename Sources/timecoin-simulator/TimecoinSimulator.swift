import ArgumentParser
import Foundation
import TimeCoinTesting

@main
struct TimecoinSimulator: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "timecoin-simulator",
        abstract: "Runs many nodes in one process under simulated clocks, network, disks and traitors.",
        subcommands: [RunCommand.self, ReplayCommand.self, ShrinkCommand.self])
}

/// A range of seeds, `A..B`, both included, or one.
struct SeedRange: ExpressibleByArgument {
    let seeds: ClosedRange<UInt64>

    init?(argument: String) {
        let parts = argument.replacing("..", with: " ").split(separator: " ").map { UInt64($0) }
        switch parts.count {
        case 1:
            guard let seed = parts[0] else { return nil }
            seeds = seed...seed
        case 2:
            guard let first = parts[0], let last = parts[1], first <= last else { return nil }
            seeds = first...last
        default: return nil
        }
    }
}

/// A profile by its name.
struct ProfileName: ExpressibleByArgument {
    /// `nil` for forks by more than f members, which have a run of their own.
    let profile: SimulationProfile?

    init(_ profile: SimulationProfile) {
        self.profile = profile
    }

    init?(argument: String) {
        profile = SimulationProfile(rawValue: argument)
        guard profile != nil || argument == "fork" else { return nil }
    }

    var defaultValueDescription: String { profile?.rawValue ?? "fork" }
}

/// Fault classes, separated by commas.
struct FaultList: ExpressibleByArgument {
    let faults: Set<FaultClass>

    init?(argument: String) {
        let names = argument.split(separator: ",").map(String.init)
        let found = names.compactMap(FaultClass.init(rawValue:))
        guard found.count == names.count else { return nil }
        faults = Set(found)
    }
}

/// What a run is like, beside its seed.
struct RunOptions: ParsableArguments {
    @Option(
        help: "consensus: machine, signer, durable files; node: the whole reactor; fork: more than f go bad.")
    var profile = ProfileName(.consensus)
    @Option(help: "Members, 1 to \(SimulationOptions.nodesMax); the seed decides when left out.")
    var nodes: Int?
    @Option(help: "Heights decided under faults.")
    var heights: UInt64?
    @Option(help: "Fault classes left out: \(FaultClass.allCases.map(\.rawValue).joined(separator: ",")).")
    var without: FaultList?
    @Option(help: "Virtual milliseconds after which faults stop at the latest.")
    var faultsFor: UInt64?
    @Flag(inversion: .prefixedNo, help: "Ed25519 in every run, or in none; else in one of a hundred.")
    var real: Bool?

    func validate() throws {
        if let nodes, !(1...SimulationOptions.nodesMax).contains(nodes) {
            throw ValidationError("--nodes takes 1 to \(SimulationOptions.nodesMax)")
        }
        if isFork {
            guard nodes.map({ ForkRun.membersRange.contains($0) }) ?? true else {
                throw ValidationError("--nodes takes 4 to 7 with --profile fork")
            }
            guard heights == nil, without == nil, faultsFor == nil, real == nil else {
                throw ValidationError("--profile fork takes no option but --nodes")
            }
        }
        if heights == 0 { throw ValidationError("--heights takes 1 or more") }
    }

    var isFork: Bool { profile.profile == nil }

    var options: SimulationOptions {
        var options = SimulationOptions(
            profile: profile.profile ?? .consensus, nodes: nodes, heights: heights)
        options.without = without?.faults ?? []
        options.faultsFor = faultsFor
        options.realSignatures = real
        return options
    }
}

func show(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

/// The line that repeats a failure.
func repetition(_ seed: UInt64, _ options: SimulationOptions) -> String {
    "timecoin-simulator replay \(seed) \(options.arguments)"
}
