public import TimeCoinCore

/// Remembers names that have passed, in two generations: when the newer is full the older is forgotten.
public struct SeenFilter: Sendable {
    private let generationMax: Int
    private var newer: Set<Hash256> = []
    private var older: Set<Hash256> = []

    /// - Parameter generationMax: names in a generation; at most twice as many are held.
    public init(generationMax: Int) {
        self.generationMax = max(1, generationMax)
    }

    public var count: Int { newer.count + older.count }

    public func contains(_ name: Hash256) -> Bool { newer.contains(name) || older.contains(name) }

    /// Whether the name is new.
    public mutating func insert(_ name: Hash256) -> Bool {
        guard !contains(name) else { return false }
        if newer.count >= generationMax {
            older = newer
            newer = []
        }
        newer.insert(name)
        return true
    }
}
