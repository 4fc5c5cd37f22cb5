/// Whether a block closes a slot or only carries payments.
public enum BlockKind: UInt8, Hashable, Sendable {
    /// Closes a slot: mints, pays out accruals.
    case scheduled = 0
    /// Between two scheduled blocks: at least one transaction, no coinbase.
    case payment = 1
}

/// Everything that a block's identity covers. No certificate is part of it: several valid ones exist for one
/// block.
public struct BlockHeader: Hashable, Sendable {
    public let version: UInt16
    public let kind: BlockKind
    public let height: Height
    public let slot: Slot
    public let previous: Hash256
    public let time: Timestamp
    /// Merkle root of the transaction identifiers.
    public let transactionRoot: Hash256
    /// Merkle root of the witness identifiers.
    public let witnessRoot: Hash256
    /// State after executing this block.
    public let stateRoot: Hash256
    /// Hash of the validator set that decides this height.
    public let validators: Hash256
    /// Hash of the validator set of the next height.
    public let nextValidators: Hash256
    public let evidenceRoot: Hash256
    public let attestationRoot: Hash256
    /// Operator key of the member that made this block.
    public let proposer: PublicKey

    public static let currentVersion: UInt16 = 1
    public static let byteCount = 2 + 1 + 8 + 8 + 32 + 8 + 7 * 32 + 32

    public init(
        version: UInt16 = currentVersion, kind: BlockKind, height: Height, slot: Slot, previous: Hash256,
        time: Timestamp, transactionRoot: Hash256, witnessRoot: Hash256, stateRoot: Hash256,
        validators: Hash256,
        nextValidators: Hash256, evidenceRoot: Hash256, attestationRoot: Hash256, proposer: PublicKey
    ) {
        self.version = version
        self.kind = kind
        self.height = height
        self.slot = slot
        self.previous = previous
        self.time = time
        self.transactionRoot = transactionRoot
        self.witnessRoot = witnessRoot
        self.stateRoot = stateRoot
        self.validators = validators
        self.nextValidators = nextValidators
        self.evidenceRoot = evidenceRoot
        self.attestationRoot = attestationRoot
        self.proposer = proposer
    }

    /// The block's name.
    public var hash: Hash256 {
        var writer = ByteWriter(reserving: BlockHeader.byteCount)
        encode(into: &writer)
        return Blake2b.hash256(.block, writer.bytes)
    }

    public func encode(into writer: inout ByteWriter) {
        writer.write(version)
        writer.write(kind.rawValue)
        writer.write(height)
        writer.write(slot)
        writer.write(previous)
        writer.write(time.milliseconds)
        for root in [
            transactionRoot, witnessRoot, stateRoot, validators, nextValidators, evidenceRoot,
            attestationRoot,
        ] {
            writer.write(root)
        }
        writer.write(proposer)
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        version = try reader.readInteger()
        guard let kind = BlockKind(rawValue: try reader.readByte()) else {
            throw reader.failure(.unknownKind)
        }
        self.kind = kind
        height = try reader.readInteger()
        slot = try reader.readInteger()
        previous = try reader.readHash()
        time = Timestamp(milliseconds: try reader.readInteger())
        transactionRoot = try reader.readHash()
        witnessRoot = try reader.readHash()
        stateRoot = try reader.readHash()
        validators = try reader.readHash()
        nextValidators = try reader.readHash()
        evidenceRoot = try reader.readHash()
        attestationRoot = try reader.readHash()
        proposer = try reader.readPublicKey()
    }
}
