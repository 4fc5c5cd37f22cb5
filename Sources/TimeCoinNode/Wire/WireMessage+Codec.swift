import TimeCoinConsensus
package import TimeCoinCore

extension WireType {
    /// Bytes of a payload at most; a frame that claims more is refused before anything is allocated.
    var payloadBytesMax: Int {
        switch self {
        case .status: 512
        case .proposal: 512 + BlockHeader.byteCount + 64 * 64 + CompactBlock.paymentsMax * Hash256.byteCount
        case .vote: 256
        case .certificate: Certificate.bytesMax
        case .roundCertificate: RoundCertificate.bytesMax
        case .valueRequest: Hash256.byteCount
        case .value: Block.bytesMax
        case .positionQuery: PublicKey.byteCount + Hash256.byteCount
        case .positionAnswer: 512
        case .clockQuery: Hash256.byteCount
        case .clockAnswer: ClockAnswer.byteCount
        case .transactions: WireMessage.transactionsBytesMax + 3 + 5 * WireMessage.transactionsMax
        case .blockRequest: 32
        case .blocks: WireMessage.blocksBytesMax + EncodedCertifiedBlock.bytesMax
        }
    }
}

extension WireMessage {
    package var payload: [UInt8] {
        var writer = ByteWriter(reserving: 256)
        switch self {
        case .status(let status): status.encode(into: &writer)
        case .proposal(let signed, let compact):
            signed.encode(into: &writer)
            writer.write(UInt8(compact == nil ? 0 : 1))
            compact?.encode(into: &writer)
        case .vote(let signed): signed.encode(into: &writer)
        case .certificate(let certificate): certificate.encode(into: &writer)
        case .roundCertificate(let certificate): certificate.encode(into: &writer)
        case .valueRequest(let hash): writer.write(hash)
        case .value(let bytes): return bytes
        case .positionQuery(let key, let nonce):
            writer.write(key)
            writer.write(nonce)
        case .positionAnswer(let answer): answer.encode(into: &writer)
        case .clockQuery(let nonce): writer.write(nonce)
        case .clockAnswer(let answer): answer.encode(into: &writer)
        case .transactions(let items): writer.write(list: items)
        case .blockRequest(let id, let start, let count):
            writer.write(id)
            writer.write(start)
            writer.write(count)
        case .blocks(let id, let start, let items):
            writer.write(id)
            writer.write(start)
            writer.write(list: items)
        }
        return writer.bytes
    }

    package init(type: WireType, payload: [UInt8]) throws(DecodingFailure) {
        if type == .value {
            self = .value(payload)
            return
        }
        self = try ByteReader.decode(payload) { reader throws(DecodingFailure) in
            switch type {
            case .status: return .status(try NodeStatus(from: &reader))
            case .proposal:
                let signed = try SignedProposal(from: &reader)
                return .proposal(signed, try reader.readFlag() ? try CompactBlock(from: &reader) : nil)
            case .vote: return .vote(try SignedVote(from: &reader))
            case .certificate: return .certificate(try Certificate(from: &reader))
            case .roundCertificate: return .roundCertificate(try RoundCertificate(from: &reader))
            case .valueRequest: return .valueRequest(try reader.readHash())
            case .value: return .value([])
            case .positionQuery:
                return .positionQuery(try reader.readPublicKey(), nonce: try reader.readHash())
            case .positionAnswer: return .positionAnswer(try PositionAnswer(from: &reader))
            case .clockQuery: return .clockQuery(nonce: try reader.readHash())
            case .clockAnswer: return .clockAnswer(try ClockAnswer(from: &reader))
            case .transactions:
                return .transactions(
                    try reader.readList(limit: Self.transactionsMax, itemBytesMax: Transaction.bytesMax))
            case .blockRequest:
                return .blockRequest(
                    id: try reader.readInteger(), start: try reader.readInteger(),
                    count: try reader.readInteger())
            case .blocks:
                return .blocks(
                    id: try reader.readInteger(), start: try reader.readInteger(),
                    items: try reader.readList(
                        limit: Self.blocksMax, itemBytesMax: EncodedCertifiedBlock.bytesMax))
            }
        }
    }
}

extension NodeStatus {
    func encode(into writer: inout ByteWriter) {
        writer.write(tip)
        writer.write(tipHash)
        writer.write(clock.milliseconds)
        round.encode(into: &writer)
    }

    init(from reader: inout ByteReader) throws(DecodingFailure) {
        tip = try reader.readInteger()
        tipHash = try reader.readHash()
        clock = Timestamp(milliseconds: try reader.readInteger())
        round = try RoundSummary(from: &reader)
    }
}

extension CompactBlock {
    func encode(into writer: inout ByteWriter) {
        header.encode(into: &writer)
        writer.write(UInt8(coinbase == nil ? 0 : 1))
        coinbase?.encode(into: &writer)
        writer.writeCompactSize(UInt64(payments.count))
        for wtxid in payments {
            writer.write(wtxid)
        }
    }

    init(from reader: inout ByteReader) throws(DecodingFailure) {
        header = try BlockHeader(from: &reader)
        coinbase = try reader.readFlag() ? try Transaction(from: &reader) : nil
        let count = try reader.readCount(limit: CompactBlock.paymentsMax, bytesEach: Hash256.byteCount)
        var payments: [Hash256] = []
        payments.reserveCapacity(count)
        for _ in 0..<count {
            payments.append(try reader.readHash())
        }
        self.payments = payments
    }
}

extension ByteWriter {
    fileprivate mutating func write(list items: [[UInt8]]) {
        writeCompactSize(UInt64(items.count))
        for item in items {
            write(prefixed: item)
        }
    }
}

extension ByteReader {
    fileprivate mutating func readList(limit: Int, itemBytesMax: Int) throws(DecodingFailure) -> [[UInt8]] {
        let count = try readCount(limit: limit, bytesEach: 1)
        var items: [[UInt8]] = []
        items.reserveCapacity(count)
        for _ in 0..<count {
            items.append(try readPrefixed(limit: itemBytesMax))
        }
        return items
    }
}
