/// Someone who votes.
public struct Member: Hashable, Sendable {
    /// Votes are signed with this key.
    public let operatorKey: PublicKey
    public let weight: UInt64

    public init(operatorKey: PublicKey, weight: UInt64) {
        self.operatorKey = operatorKey
        self.weight = weight
    }

    /// Its leaf in the hash of a set.
    var name: Hash256 {
        var writer = ByteWriter(reserving: PublicKey.byteCount + 8)
        writer.write(operatorKey)
        writer.write(weight)
        return Blake2b.hash256(.member, writer.bytes)
    }
}

/// Why members do not make a validator set.
public enum ValidatorSetFailure: Error, Hashable, Sendable {
    case empty
    case tooMany(Int)
    case zeroWeight(PublicKey)
    case doubled(PublicKey)
    case totalWeight
}

/// Those who decide a height, in the order of their keys, with exact arithmetic on their weights.
public struct ValidatorSet: Hashable, Sendable {
    public let members: [Member]
    public let totalWeight: UInt64
    /// Covers the number of members, and by the root of a Merkle tree every member and weight.
    public let hash: Hash256

    /// Members that vote at most.
    public static let membersMax = 150
    /// Total weight at most, so that three times any part of it fits in 64 bits.
    public static let totalWeightMax: UInt64 = 1 << 53

    public init(_ members: [Member]) throws(ValidatorSetFailure) {
        guard !members.isEmpty else { throw .empty }
        guard members.count <= ValidatorSet.membersMax else { throw .tooMany(members.count) }
        let ordered = members.sorted { $0.operatorKey < $1.operatorKey }
        var total: UInt64 = 0
        for (index, member) in ordered.enumerated() {
            guard member.weight > 0 else { throw .zeroWeight(member.operatorKey) }
            if index > 0, ordered[index - 1].operatorKey == member.operatorKey {
                throw .doubled(member.operatorKey)
            }
            guard member.weight <= ValidatorSet.totalWeightMax - total else { throw .totalWeight }
            total += member.weight
        }
        self.members = ordered
        totalWeight = total
        hash = ValidatorSet.hash(
            count: UInt64(ordered.count), root: MerkleTree.root(of: ordered.map(\.name)))
    }

    /// That a member stands in this set: to be shown with ``hash`` to somebody who does not have the set.
    func membership(of index: Int) -> MerkleProof? {
        MerkleTree.proof(of: index, in: members.map(\.name))
    }

    /// Whether the proof shows that the member stands, with its weight, in the set of this hash.
    static func contains(_ member: Member, by proof: MerkleProof, in set: Hash256) -> Bool {
        guard let root = proof.root(of: member.name) else { return false }
        return hash(count: proof.count, root: root) == set
    }

    private static func hash(count: UInt64, root: Hash256) -> Hash256 {
        var writer = ByteWriter(reserving: 40)
        writer.write(count)
        writer.write(root)
        return Blake2b.hash256(.validatorSet, writer.bytes)
    }

    private static let memberByteCount = PublicKey.byteCount + 8
    /// Bytes of an encoded set at most.
    public static let bytesMax = 3 + membersMax * memberByteCount

    private static func encode(_ members: [Member], into writer: inout ByteWriter) {
        writer.writeCompactSize(UInt64(members.count))
        for member in members {
            writer.write(member.operatorKey)
            writer.write(member.weight)
        }
    }

    /// A count, then key and weight of each member in the order of the keys.
    public func encode(into writer: inout ByteWriter) {
        ValidatorSet.encode(members, into: &writer)
    }

    /// Only the canonical order is read.
    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        let count = try reader.readCount(
            limit: ValidatorSet.membersMax, bytesEach: ValidatorSet.memberByteCount)
        var members: [Member] = []
        for _ in 0..<count {
            members.append(
                Member(operatorKey: try reader.readPublicKey(), weight: try reader.readInteger()))
        }
        guard let set = try? ValidatorSet(members), set.members == members else {
            throw reader.failure(.valueOutOfRange)
        }
        self = set
    }

    /// Place of a member, or `nil` for a stranger.
    public func index(of key: PublicKey) -> Int? {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle].operatorKey < key { low = middle + 1 } else { high = middle }
        }
        return low < members.count && members[low].operatorKey == key ? low : nil
    }

    /// Strictly more than two thirds.
    public func isQuorum(_ weight: UInt64) -> Bool { ValidatorSet.isQuorum(weight, of: totalWeight) }

    /// Strictly more than one third: at least one correct member.
    public func isThird(_ weight: UInt64) -> Bool { ValidatorSet.isThird(weight, of: totalWeight) }

    /// `3 × weight > 2 × total`, exact for all inputs.
    public static func isQuorum(_ weight: UInt64, of total: UInt64) -> Bool {
        weight.multipliedFullWidth(by: 3) > total.multipliedFullWidth(by: 2)
    }

    /// `3 × weight > total`, exact for all inputs.
    public static func isThird(_ weight: UInt64, of total: UInt64) -> Bool {
        weight.multipliedFullWidth(by: 3) > (0, total)
    }

    /// Rounds of a turn in sets that are larger: no member proposes twice in one.
    static let turnRounds = 7
    /// Turns of larger sets after which rounds repeat themselves.
    static let turns: UInt64 = 8

    /// Who proposes: a pure function of set, seed, height and round.
    ///
    /// A turn draws members by weight without replacement, and rounds walk through turns. Small sets have one
    /// turn, of all. In larger ones each turn of ``turnRounds`` is drawn anew, so that a height does not have
    /// to wait for all the light members when the heavy ones had a bad moment; a member that ended the turn
    /// before comes second at the earliest. So the next round has another proposer whenever there is one.
    public func proposer(height: Height, round: Round, seed: Hash256) -> Member {
        let rounds = Round(min(members.count, ValidatorSet.turnRounds))
        let places = turn(UInt64(round / rounds), height: height, seed: seed)
        return members[places[Int(round % rounds)]]
    }

    /// Places of the proposers of the first rounds of a height; the rounds after them repeat them.
    public func proposers(height: Height, seed: Hash256) -> [Int] {
        let turns = members.count > ValidatorSet.turnRounds ? ValidatorSet.turns : 1
        return (0..<turns).flatMap { turn($0, height: height, seed: seed) }
    }

    private func turn(_ number: UInt64, height: Height, seed: Hash256) -> [Int] {
        guard members.count > ValidatorSet.turnRounds else {
            return draw(members.count, from: 0, height: height, seed: seed)
        }
        func drawn(_ number: UInt64) -> [Int] {
            let rounds = ValidatorSet.turnRounds
            let first = (number % ValidatorSet.turns) * UInt64(rounds)
            return draw(rounds, from: first, height: height, seed: seed)
        }
        var places = drawn(number)
        // The last of a turn never moves, so it is known without looking further back.
        let before = drawn(number % ValidatorSet.turns + ValidatorSet.turns - 1)
        if places.first == before.last { places.swapAt(0, 1) }
        return places
    }

    /// Draws that many members, at least one, without replacement.
    private func draw(_ count: Int, from first: UInt64, height: Height, seed: Hash256) -> [Int] {
        var candidates = Array(members.indices)
        var weightLeft = totalWeight
        var drawn: [Int] = []
        drawn.reserveCapacity(count)
        for number in first..<first + UInt64(count) {
            var writer = ByteWriter(reserving: 48)
            writer.write(seed)
            writer.write(height)
            writer.write(number)
            // Drawn from 64 bits: the bias of the remainder is below 2^-11 for the largest total.
            var point = Blake2b.hash256(.slotSeed, writer.bytes).leadingWord % weightLeft
            var place = 0
            while point >= members[candidates[place]].weight {
                point -= members[candidates[place]].weight
                place += 1
            }
            let member = candidates.remove(at: place)
            weightLeft -= members[member].weight
            drawn.append(member)
        }
        return drawn
    }
}

private func > (
    left: (high: UInt64, low: UInt64.Magnitude), right: (high: UInt64, low: UInt64.Magnitude)
) -> Bool {
    left.high != right.high ? left.high > right.high : left.low > right.low
}
