public import TimeCoinCore

/// Where a member may sign once: height, round, and what kind of message.
public struct SignerPosition: Hashable, Sendable, Comparable {
    public enum Kind: UInt8, Hashable, Sendable {
        case proposal = 0
        case prevote = 1
        case precommit = 2
        /// How to go on after a fork; its round is 0.
        case recovery = 3
    }

    public let height: Height
    public let round: Round
    public let kind: Kind

    public init(height: Height, round: Round, kind: Kind) {
        self.height = height
        self.round = round
        self.kind = kind
    }

    public init(_ message: OwnMessage) {
        switch message {
        case .proposal(let proposal):
            self.init(height: proposal.height, round: proposal.round, kind: .proposal)
        case .vote(let vote):
            self.init(
                height: vote.height, round: vote.round, kind: vote.type == .prevote ? .prevote : .precommit)
        }
    }

    /// One a fork height, whatever the branch and the proof.
    public init(_ vote: RecoveryVote) {
        self.init(height: vote.height, round: 0, kind: .recovery)
    }

    public static func < (left: SignerPosition, right: SignerPosition) -> Bool {
        (left.height, left.round, left.kind.rawValue) < (right.height, right.round, right.kind.rawValue)
    }

    public func encode(into writer: inout ByteWriter) {
        writer.write(height)
        writer.write(round)
        writer.write(kind.rawValue)
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        height = try reader.readInteger()
        round = try reader.readInteger()
        guard let kind = Kind(rawValue: try reader.readByte()) else { throw reader.failure(.unknownKind) }
        self.kind = kind
    }
}

/// What a member signed at one position; one frame of the durable record.
public struct SignerRecord: Hashable, Sendable {
    public let position: SignerPosition
    /// Names the signed bytes.
    public let digest: Hash256
    public let signature: Signature

    public init(position: SignerPosition, bytes: [UInt8], signature: Signature) {
        self.position = position
        digest = Blake2b.hash256(.position, bytes)
        self.signature = signature
    }

    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 112)
        position.encode(into: &writer)
        writer.write(digest)
        writer.write(signature)
        return writer.bytes
    }

    public init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            SignerRecord(
                position: try SignerPosition(from: &reader), digest: try reader.readHash(),
                signature: try reader.readSignature())
        }
    }

    private init(position: SignerPosition, digest: Hash256, signature: Signature) {
        self.position = position
        self.digest = digest
        self.signature = signature
    }
}

/// The rule that nothing is ever signed twice at one position: strictly forward, or the very same bytes
/// again.
public struct SignerPositions: Hashable, Sendable {
    public enum Answer: Hashable, Sendable {
        /// New and ahead of everything signed before: sign, make the record durable, then let the signature
        /// go.
        case sign
        /// The same bytes were signed here before: this is the signature.
        case reuse(Signature)
        /// Behind the last position, or other bytes at a held one: never.
        case refuse
    }

    /// Records kept in memory: those of the newest height, which can be asked for again.
    public static let recordsMax = 4096

    /// Recovery votes kept; beyond them none is signed any more.
    public static let recoveriesMax = 64

    /// The highest position, recovery votes aside.
    public private(set) var last: SignerPosition?
    /// Recovery votes are signed for heights that are over, so they stand apart from the order of the others.
    private var recoveries: [Height: SignerRecord] = [:]
    private var records: [SignerPosition: SignerRecord] = [:]

    public init() {}

    public func answer(_ position: SignerPosition, bytes: [UInt8]) -> Answer {
        if position.kind == .recovery {
            guard let record = recoveries[position.height] else {
                return recoveries.count < SignerPositions.recoveriesMax ? .sign : .refuse
            }
            return record.digest == Blake2b.hash256(.position, bytes) ? .reuse(record.signature) : .refuse
        }
        if let record = records[position] {
            return record.digest == Blake2b.hash256(.position, bytes) ? .reuse(record.signature) : .refuse
        }
        guard let last else { return .sign }
        return position > last ? .sign : .refuse
    }

    /// Whether a signature of this key at a position was not made with this record: it is ahead of it, or
    /// signs other bytes than it has there.
    func isForeign(_ position: SignerPosition, digest: Hash256) -> Bool {
        if let record = records[position] { return record.digest != digest }
        return last.map { position > $0 } ?? true
    }

    /// Takes in what was signed; also when a record is read again after a start.
    public mutating func note(_ record: SignerRecord) {
        if record.position.kind == .recovery {
            recoveries[record.position.height] = record
            return
        }
        if let last, record.position.height > last.height { records = [:] }
        if records.count >= SignerPositions.recordsMax {
            let oldest = records.keys.min()
            if let oldest { records[oldest] = nil }
        }
        records[record.position] = record
        last = max(last ?? record.position, record.position)
    }
}
