package import TimeCoinConsensus
package import TimeCoinCore

/// What nodes say to each other, by the number that a frame carries. Numbers below 16 belong to the
/// transport.
package enum WireType: UInt8, CaseIterable, Sendable {
    case status = 16
    case proposal = 17
    case vote = 18
    case certificate = 19
    case valueRequest = 20
    case value = 21
    case positionQuery = 22
    case positionAnswer = 23
    case transactions = 24
    case blockRequest = 25
    case blocks = 26
    case roundCertificate = 27
    case clockQuery = 28
    case clockAnswer = 29
}

/// Where a node stands: sent when it changes and now and then, so that others can send what it lacks.
package struct NodeStatus: Hashable, Sendable {
    package let tip: Height
    package let tipHash: Hash256
    package let clock: Timestamp
    package let round: RoundSummary

    package init(tip: Height, tipHash: Hash256, clock: Timestamp, round: RoundSummary) {
        self.tip = tip
        self.tipHash = tipHash
        self.clock = clock
        self.round = round
    }
}

/// A block by the names of its payments: peers mostly have the transactions.
package struct CompactBlock: Hashable, Sendable {
    package let header: BlockHeader
    /// Present in a scheduled block; no peer could have it.
    package let coinbase: Transaction?
    /// Witness identifiers of the payments, in order.
    package let payments: [Hash256]

    static let paymentsMax = Block.bytesMax / 60

    package init(_ block: CheckedBlock) {
        header = block.header
        let hasCoinbase = block.header.kind == .scheduled
        coinbase = hasCoinbase ? block.transactions.first?.transaction : nil
        payments = block.transactions.dropFirst(hasCoinbase ? 1 : 0).map(\.wtxid)
    }

    package init(header: BlockHeader, coinbase: Transaction?, payments: [Hash256]) {
        self.header = header
        self.coinbase = coinbase
        self.payments = payments
    }
}

/// A message between nodes.
package enum WireMessage: Sendable {
    case status(NodeStatus)
    case proposal(SignedProposal, CompactBlock?)
    case vote(SignedVote)
    case certificate(Certificate)
    case roundCertificate(RoundCertificate)
    case valueRequest(Hash256)
    case value([UInt8])
    /// Asks for the highest position that the receiver holds of a key.
    case positionQuery(PublicKey, nonce: Hash256)
    case positionAnswer(PositionAnswer)
    /// Asks what the receiver's wall clock shows.
    case clockQuery(nonce: Hash256)
    case clockAnswer(ClockAnswer)
    case transactions([[UInt8]])
    case blockRequest(id: UInt64, start: Height, count: UInt32)
    /// Blocks with their certificates, from `start` on.
    case blocks(id: UInt64, start: Height, items: [[UInt8]])

    /// Transactions in one message at most.
    static let transactionsMax = 250
    /// Bytes of all transactions of a message: one of the largest, or many small ones.
    static let transactionsBytesMax = Transaction.bytesMax
    /// Blocks in one answer at most.
    package static let blocksMax = 64
    /// Bytes of all blocks of an answer at which no further one is added.
    package static let blocksBytesMax = 4_000_000

    package var type: WireType {
        switch self {
        case .status: .status
        case .proposal: .proposal
        case .vote: .vote
        case .certificate: .certificate
        case .roundCertificate: .roundCertificate
        case .valueRequest: .valueRequest
        case .value: .value
        case .positionQuery: .positionQuery
        case .positionAnswer: .positionAnswer
        case .clockQuery: .clockQuery
        case .clockAnswer: .clockAnswer
        case .transactions: .transactions
        case .blockRequest: .blockRequest
        case .blocks: .blocks
        }
    }
}

/// A block and its certificate as they travel, not yet looked at.
package struct EncodedCertifiedBlock: Sendable {
    package let block: [UInt8]
    package let certificate: [UInt8]

    static let bytesMax = Block.bytesMax + Certificate.bytesMax + 16

    package var encoded: [UInt8] {
        var writer = ByteWriter(reserving: block.count + certificate.count + 16)
        writer.write(prefixed: block)
        writer.write(prefixed: certificate)
        return writer.bytes
    }

    package init(block: [UInt8], certificate: [UInt8]) {
        self.block = block
        self.certificate = certificate
    }

    package init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            EncodedCertifiedBlock(
                block: try reader.readPrefixed(limit: Block.bytesMax),
                certificate: try reader.readPrefixed(limit: Certificate.bytesMax))
        }
    }
}
