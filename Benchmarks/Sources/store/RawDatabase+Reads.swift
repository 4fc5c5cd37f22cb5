import CReference
import TimeCoinCore

extension RawDatabase {
    /// Bytes of the checksum before every payload.
    private static let checksumBytes = 8
    private static let chunkPositions: UInt64 = 2048

    /// What the store needs to answer for an output, by its documented layout: the row of its transaction,
    /// the bit that says whether it is spent, and its record, which is copied out.
    func readOutputs(_ outPoints: [OutPoint]) throws -> Elapsed {
        let names = outPoints.map { (transaction: $0.transaction.bytes, index: UInt64($0.index)) }
        let (transactions, chunks, outputs) = (
            try table("transactions"), try table("chunks"), try table("outputs")
        )
        var target = [UInt8](repeating: 0, count: 4096)
        return try read { transaction in
            try measured {
                for name in names {
                    let row = try name.transaction.withUnsafeBytes {
                        try RawDatabase.get(transaction, transactions, $0)
                    }
                    let position = RawDatabase.firstPosition(row) + name.index
                    let chunkIndex = (position / RawDatabase.chunkPositions).bigEndian
                    let chunk = try withUnsafeBytes(of: chunkIndex) {
                        try RawDatabase.get(transaction, chunks, $0)
                    }
                    let place = Int(position % RawDatabase.chunkPositions)
                    guard chunk[RawDatabase.checksumBytes + place >> 3] & 1 << UInt8(place & 7) == 0 else {
                        throw Failed("a drawn output is spent")
                    }
                    let record = try withUnsafeBytes(of: position.bigEndian) {
                        try RawDatabase.get(transaction, outputs, $0)
                    }
                    target.withUnsafeMutableBytes { $0.copyMemory(from: record) }
                }
            }.time
        }
    }

    /// The rows of their transactions only, each copied out.
    func readTransactions(_ outPoints: [OutPoint]) throws -> Elapsed {
        let keys = outPoints.map(\.transaction.bytes)
        let transactions = try table("transactions")
        var target = [UInt8](repeating: 0, count: 4096)
        return try read { transaction in
            try measured {
                for key in keys {
                    let row = try key.withUnsafeBytes { try RawDatabase.get(transaction, transactions, $0) }
                    target.withUnsafeMutableBytes { $0.copyMemory(from: row) }
                }
            }.time
        }
    }

    @inline(__always)
    private static func get(
        _ transaction: OpaquePointer, _ table: MDB_dbi, _ bytes: UnsafeRawBufferPointer
    ) throws -> UnsafeRawBufferPointer {
        var key = MDB_val(bytes)
        var value = MDB_val()
        let status = mdb_get(transaction, table, &key, &value)
        guard status == MDB_SUCCESS, value.mv_size <= 4096 else { throw Failed("a record is not there") }
        return UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
    }

    /// The third of the numbers in the row of a transaction: height, index, position of its first output.
    private static func firstPosition(_ row: UnsafeRawBufferPointer) -> UInt64 {
        var offset = checksumBytes
        var number: UInt64 = 0
        for _ in 0..<3 {
            let first = row[offset]
            switch first {
            case 253:
                number = UInt64(
                    UInt16(littleEndian: row.loadUnaligned(fromByteOffset: offset + 1, as: UInt16.self)))
                offset += 3
            case 254:
                number = UInt64(
                    UInt32(littleEndian: row.loadUnaligned(fromByteOffset: offset + 1, as: UInt32.self)))
                offset += 5
            case 255:
                number = UInt64(littleEndian: row.loadUnaligned(fromByteOffset: offset + 1, as: UInt64.self))
                offset += 9
            default:
                number = UInt64(first)
                offset += 1
            }
        }
        return number
    }
}
