import TimeCoinCore

/// Which of the two machines under test is driven.
public enum SimulationProfile: String, Sendable, CaseIterable {
    /// The consensus machine, its signer and its durable files, on values without content.
    case consensus
    /// The whole reactor with its shell: mempool, block assembly, execution, catching up, payments.
    case node
}

/// Kinds of trouble that a run may have; each can be taken out of a run without moving the others.
public enum FaultClass: String, Sendable, CaseIterable, Hashable {
    case loss
    case duplication
    case reordering
    case partitions
    case crashes
    case diskErrors = "disk-errors"
    case fullDisks = "full-disks"
    case clockJumps = "clock-jumps"
    case clockDrift = "clock-drift"
    case freezes
    case byzantine
    case lateContent = "late-content"
    /// Other members, or other weights, from one height to the next.
    case setChanges = "set-changes"
    /// A hundred members or 150, most of which never speak.
    case largeSets = "large-sets"
}

/// What is asked of a run beside its seed; the defaults let the seed decide.
public struct SimulationOptions: Sendable, Hashable {
    public var profile: SimulationProfile
    /// Members; `nil` for as many as the seed says.
    public var nodes: Int?
    /// Heights that are decided under faults.
    public var heights: UInt64
    /// Trouble that is left out.
    public var without: Set<FaultClass> = []
    /// Virtual milliseconds after which faults stop at the latest; `nil` for the usual.
    public var faultsFor: UInt64?
    /// Real signatures in every run, in none, or in one of a hundred.
    public var realSignatures: Bool?

    /// Members in a run at most.
    public static let nodesMax = 150

    public init(profile: SimulationProfile, nodes: Int? = nil, heights: UInt64? = nil) {
        self.profile = profile
        self.nodes = nodes
        self.heights = heights ?? (profile == .consensus ? 20 : 10)
    }

    /// The arguments that repeat it.
    public var arguments: String {
        var words = ["--profile \(profile.rawValue)"]
        if let nodes { words.append("--nodes \(nodes)") }
        words.append("--heights \(heights)")
        let left = FaultClass.allCases.filter { without.contains($0) }.map(\.rawValue)
        if !left.isEmpty { words.append("--without \(left.joined(separator: ","))") }
        if let faultsFor { words.append("--faults-for \(faultsFor)") }
        if let realSignatures { words.append(realSignatures ? "--real" : "--no-real") }
        return words.joined(separator: " ")
    }
}

/// What a member that went bad does; several at once.
enum ByzantineHabit: UInt64, Sendable, CaseIterable {
    case silent
    /// Other votes and proposals to different members.
    case equivocating
    /// Votes for whatever comes, without a lock.
    case amnesiac
    /// Tells few members, or late.
    case withholding
    /// Votes in far rounds and heights.
    case flooding
    /// Certificates that do not hold.
    case junk
    /// Claims heights that there are not.
    case lying
    /// Says again what it has heard, to whoever.
    case replaying
    /// Puts nobody's payments into its blocks.
    case censoring
}

/// A run's particulars, all drawn from its seed.
struct SimulationPlan: Sendable {
    let seed: UInt64
    let options: SimulationOptions
    let weights: [UInt64]
    /// Habits of each member; `nil` for a correct one.
    let habits: [Set<ByzantineHabit>?]
    let isReal: Bool
    let earlyEnd: Bool
    /// Messages lost, doubled, and held back, of a thousand.
    let loss: UInt64
    let duplication: UInt64
    let reordering: UInt64
    /// Between members, milliseconds.
    let delay: ClosedRange<UInt64>
    /// How much longer what is held back takes at most, milliseconds.
    let holdMax: UInt64
    /// Mean time between two of a kind, milliseconds; `nil` for never.
    let partitionsEvery: UInt64?
    let crashesEvery: UInt64?
    let diskErrorsEvery: UInt64?
    let fullDisksEvery: UInt64?
    let jumpsEvery: UInt64?
    let freezesEvery: UInt64?
    /// Millionths, either way, at most.
    let driftMax: UInt64
    let lateContent: Bool
    /// Whether heights have sets of their own.
    let changesSets: Bool
    /// Members without a machine, who never say anything.
    let sleepers: Int

    /// Heights that are decided under faults: few where a hundred proposers take their turns.
    var heights: UInt64 { sleepers > 0 ? min(options.heights, 3) : options.heights }
    /// Virtual milliseconds after which faults stop at the latest.
    var faultsUntil: UInt64 { options.faultsFor ?? SimulationPlan.usualFaults(heights: heights) }

    static func usualFaults(heights: UInt64) -> UInt64 { 20_000 + 4_000 * heights }

    init(seed: UInt64, options: SimulationOptions) {
        var random = SimulationRandom(seed: seed, .plan)
        self.seed = seed
        self.options = options
        // Every draw is made whatever is left out, so that leaving out one does not move another.
        let drawnNodes = SimulationPlan.usualNodes[random.below(SimulationPlan.usualNodes.count)]
        let sets = SimulationPlan.sets(seed, options, nodes: drawnNodes)
        (changesSets, sleepers) = (sets.isChanging, sets.sleepers)
        let isEqual = random.chance(permille: 600)
        var weightsRandom = SimulationRandom(seed: seed, .plan, 1)
        weights = (0..<sets.nodes).map { _ in
            let weight = SimulationPlan.usualWeights[weightsRandom.below(SimulationPlan.usualWeights.count)]
            return isEqual ? 1 : weight
        }
        isReal = options.realSignatures ?? (random.below(100) as UInt64 == 0)
        earlyEnd = random.chance(permille: 800)
        func has(_ fault: FaultClass, _ permille: UInt64) -> Bool {
            random.chance(permille: permille) && !options.without.contains(fault)
        }
        let lossDrawn = random.within(1...300)
        loss = has(.loss, 500) ? lossDrawn : 0
        let duplicationDrawn = random.within(1...200)
        duplication = has(.duplication, 400) ? duplicationDrawn : 0
        let reorderingDrawn = random.within(1...300)
        reordering = has(.reordering, 500) ? reorderingDrawn : 0
        let least = random.within(1...30)
        delay = least...(least + random.within(0...40))
        holdMax = random.within(50...3000)
        func every(_ fault: FaultClass, _ permille: UInt64, _ range: ClosedRange<UInt64>) -> UInt64? {
            let drawn = random.within(range)
            return has(fault, permille) ? drawn : nil
        }
        partitionsEvery = every(.partitions, 400, 1000...8000)
        crashesEvery = every(.crashes, 500, 500...6000)
        diskErrorsEvery = every(.diskErrors, 250, 2000...12_000)
        fullDisksEvery = every(.fullDisks, 200, 3000...15_000)
        jumpsEvery = every(.clockJumps, 250, 1000...8000)
        freezesEvery = every(.freezes, 250, 1000...8000)
        let driftDrawn = random.within(1000...80_000)
        driftMax = has(.clockDrift, 300) ? driftDrawn : 0
        lateContent = has(.lateContent, 300)
        let isByzantine = has(.byzantine, 700)
        var byzantineRandom = SimulationRandom(seed: seed, .plan, 2)
        habits = SimulationPlan.habits(weights, isByzantine, &byzantineRandom)
    }

    private static let usualNodes = [4, 4, 4, 4, 4, 5, 6, 7, 7, 10, 3, 1]
    private static let usualWeights: [UInt64] = [1, 1, 1, 2, 3, 10, 100]

    /// How many machines there are, and whether members come and go among them.
    private static func sets(
        _ seed: UInt64, _ options: SimulationOptions, nodes: Int
    ) -> (nodes: Int, isChanging: Bool, sleepers: Int) {
        var random = SimulationRandom(seed: seed, .plan, 3)
        let isChanging = random.chance(permille: 300) && options.profile == .consensus
        // Some more machines, so that others can take over.
        let more = random.within(1...4)
        let isLarge = random.chance(permille: 5) && options.profile == .consensus
        let size = random.chance(permille: 500) ? 100 : ValidatorSet.membersMax
        let drawn = isChanging ? nodes + Int(more) : nodes
        let count = min(max(1, options.nodes ?? drawn), SimulationOptions.nodesMax)
        return (
            count, isChanging && !options.without.contains(.setChanges),
            isLarge && !options.without.contains(.largeSets) ? max(0, size - count) : 0
        )
    }

    /// Members go bad as long as the rest are a quorum.
    private static func habits(
        _ weights: [UInt64], _ isByzantine: Bool, _ random: inout SimulationRandom
    ) -> [Set<ByzantineHabit>?] {
        var habits = [Set<ByzantineHabit>?](repeating: nil, count: weights.count)
        guard isByzantine else { return habits }
        let total = weights.reduce(0, +)
        var bad: UInt64 = 0
        let start = random.below(weights.count)
        for step in weights.indices {
            let member = (start + step) % weights.count
            guard 3 * (bad + weights[member]) < total else { continue }
            bad += weights[member]
            var chosen: Set<ByzantineHabit> = []
            for habit in ByzantineHabit.allCases where random.chance(permille: habit == .silent ? 100 : 400) {
                chosen.insert(habit)
            }
            habits[member] = chosen.isEmpty ? [.equivocating] : chosen
        }
        return habits
    }
}
