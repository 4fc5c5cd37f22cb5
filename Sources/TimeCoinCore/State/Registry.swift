/// The masternodes that the chain knows: who may vote, with what weight, and where rewards go.
///
/// In this version of the chain the registry is that of genesis.
public struct Registry: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        /// Votes are signed with this key.
        public let operatorKey: PublicKey
        public let weight: UInt64
        /// Rewards are paid to this script.
        public let payout: Script

        public init(operatorKey: PublicKey, weight: UInt64, payout: Script) {
            self.operatorKey = operatorKey
            self.weight = weight
            self.payout = payout
        }
    }

    /// In the order of operator keys.
    public let entries: [Entry]
    public let validators: ValidatorSet

    /// Throws when the members do not make a validator set.
    public init(_ entries: [Entry]) throws(ValidatorSetFailure) {
        self.entries = entries.sorted { $0.operatorKey < $1.operatorKey }
        validators = try ValidatorSet(entries.map { Member(operatorKey: $0.operatorKey, weight: $0.weight) })
    }

    public func entry(of key: PublicKey) -> Entry? {
        entries.first { $0.operatorKey == key }
    }

    public var hash: Hash256 {
        var writer = ByteWriter()
        encode(into: &writer)
        return Blake2b.hash256(.registry, writer.bytes)
    }

    public func encode(into writer: inout ByteWriter) {
        writer.writeCompactSize(UInt64(entries.count))
        for entry in entries {
            writer.write(entry.operatorKey)
            writer.write(entry.weight)
            writer.write(prefixed: entry.payout.bytes)
        }
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        let count = try reader.readCount(limit: ValidatorSet.membersMax, bytesEach: PublicKey.byteCount + 9)
        var entries: [Entry] = []
        for _ in 0..<count {
            entries.append(
                Entry(
                    operatorKey: try reader.readPublicKey(), weight: try reader.readInteger(),
                    payout: Script(try reader.readPrefixed(limit: Script.bytesMax))))
        }
        do {
            try self.init(entries)
        } catch {
            throw reader.failure(.valueOutOfRange)
        }
    }
}
