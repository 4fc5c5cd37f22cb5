extension Transaction {
    private static let inputBytesMin = OutPoint.byteCount + 1 + 4
    private static let outputBytesMin = 8 + 1

    /// The canonical encoding; for a transfer, Bitcoin's layout byte for byte.
    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: encodedSize)
        encode(into: &writer)
        return writer.bytes
    }

    /// Bytes of the canonical encoding.
    public var encodedSize: Int {
        var size = 4 + 4 + ByteWriter.compactSizeWidth(UInt64(inputs.count))
        for input in inputs {
            size += OutPoint.byteCount + 4 + Transaction.prefixedSize(input.unlocking.bytes)
        }
        size += ByteWriter.compactSizeWidth(UInt64(outputs.count))
        for output in outputs {
            size += 8 + Transaction.prefixedSize(output.locking.bytes)
        }
        return kind == .transfer ? size : size + Transaction.prefixedSize(payload)
    }

    private static func prefixedSize(_ bytes: [UInt8]) -> Int {
        ByteWriter.compactSizeWidth(UInt64(bytes.count)) + bytes.count
    }

    public func encode(into writer: inout ByteWriter) {
        encode(into: &writer, includingUnlocking: true)
    }

    /// With every unlocking script left empty it is what the transaction identifier covers.
    func encode(into writer: inout ByteWriter, includingUnlocking: Bool) {
        writer.write(version)
        writer.write(kind.rawValue)
        writer.writeCompactSize(UInt64(inputs.count))
        for input in inputs {
            writer.write(input.previous)
            writer.write(prefixed: includingUnlocking ? input.unlocking.bytes : [])
            writer.write(input.sequence)
        }
        writer.writeCompactSize(UInt64(outputs.count))
        for output in outputs {
            writer.write(output)
        }
        writer.write(lockTime)
        if kind != .transfer {
            writer.write(prefixed: payload)
        }
    }

    /// Decodes exactly one transaction.
    public init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        guard bytes.count <= Transaction.bytesMax else {
            throw DecodingFailure(reason: .lengthLimit, offset: 0)
        }
        self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            try Transaction(from: &reader)
        }
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        let version: UInt16 = try reader.readInteger()
        let kindOffset = reader.position
        guard let kind = TransactionKind(rawValue: try reader.readInteger()) else {
            throw DecodingFailure(reason: .unknownKind, offset: kindOffset)
        }
        let inputCount = try reader.readCount(
            limit: Transaction.bytesMax, bytesEach: Transaction.inputBytesMin)
        var inputs: [TransactionInput] = []
        inputs.reserveCapacity(inputCount)
        for _ in 0..<inputCount {
            inputs.append(
                TransactionInput(
                    previous: try reader.readOutPoint(),
                    unlocking: Script(try reader.readPrefixed(limit: Transaction.bytesMax)),
                    sequence: try reader.readInteger()))
        }
        let outputCount = try reader.readCount(
            limit: Transaction.bytesMax, bytesEach: Transaction.outputBytesMin)
        var outputs: [TransactionOutput] = []
        outputs.reserveCapacity(outputCount)
        for _ in 0..<outputCount {
            outputs.append(try reader.readOutput())
        }
        let lockTime: UInt32 = try reader.readInteger()
        let payload = kind == .transfer ? [] : try reader.readPrefixed(limit: Transaction.bytesMax)
        self.init(
            version: version, kind: kind, inputs: inputs, outputs: outputs, lockTime: lockTime,
            payload: payload)
    }

    /// The name of the transaction whatever its signatures: a chain of unconfirmed payments cannot be broken
    /// by
    /// a second signature.
    public var txid: Hash256 {
        var writer = ByteWriter(reserving: encodedSize)
        encode(into: &writer, includingUnlocking: false)
        return Blake2b.hash256(.transactionID, writer.bytes)
    }

    /// The same out of the canonical encoding, from which only the unlocking scripts are left out.
    ///
    /// - Parameter writer: its room is used again.
    func txid(from encoded: ArraySlice<UInt8>, using writer: inout ByteWriter) -> Hash256 {
        writer.removeAll()
        var start = encoded.startIndex
        var end = start + 4 + ByteWriter.compactSizeWidth(UInt64(inputs.count))
        for input in inputs {
            end += OutPoint.byteCount
            writer.write(raw: encoded[start..<end])
            writer.write(UInt8(0))
            start = end + Transaction.prefixedSize(input.unlocking.bytes)
            end = start + 4
        }
        writer.write(raw: encoded[start...])
        return Blake2b.hash256(.transactionID, writer.bytes)
    }

    /// The name of these very bytes, unlocking scripts included.
    public var wtxid: Hash256 {
        Blake2b.hash256(.witnessID, encoded)
    }
}

extension ByteWriter {
    public mutating func write(_ outPoint: OutPoint) {
        write(outPoint.transaction)
        write(outPoint.index)
    }

    public mutating func write(_ output: TransactionOutput) {
        write(output.value)
        write(prefixed: output.locking.bytes)
    }
}

extension ByteReader {
    public mutating func readOutPoint() throws(DecodingFailure) -> OutPoint {
        OutPoint(transaction: try readHash(), index: try readInteger())
    }

    public mutating func readOutput() throws(DecodingFailure) -> TransactionOutput {
        TransactionOutput(
            value: try readAmount(), locking: Script(try readPrefixed(limit: Transaction.bytesMax)))
    }
}
