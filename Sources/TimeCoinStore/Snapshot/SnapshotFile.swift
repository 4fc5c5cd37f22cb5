public import TimeCoinCore

/// A snapshot in one file: magic, then frames with length and CRC-32C: the manifest, and the segments.
public enum SnapshotFile {
    static let magic = Array("TIMESNAP".utf8)
    /// Length and checksum before every payload.
    private static let frameBytes = 8

    /// Writes the snapshot of a stored chain to a file that must not be there.
    ///
    /// - Parameter progress: segments done, segments in all.
    /// - Throws: ``StoreFailure``.
    public static func write(
        _ reader: some ChainReading, to path: String, progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> SnapshotManifest {
        let files = PosixFileSystem()
        let temporary = path + ".part"
        for existing in [path, temporary] where (try? files.size(of: existing)) != nil {
            throw StoreFailure(.exists, "\(existing) is there already")
        }
        let manifest = try SnapshotManifest(of: reader)
        let file = try files.open(temporary, creating: true)
        try file.append(magic)
        try file.append(frame(manifest.encoded))
        for index in manifest.chunks.indices {
            try file.append(frame(try SnapshotSegment(index, of: reader).encoded))
            progress(index + 1, manifest.chunks.count)
        }
        try file.sync()
        try files.rename(temporary, to: path)
        try files.syncDirectory(PosixFileSystem.parent(of: path))
        return manifest
    }

    private static func frame(_ payload: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(reserving: frameBytes + payload.count)
        writer.write(UInt32(truncatingIfNeeded: payload.count))
        writer.write(CRC32C.checksum(payload))
        writer.write(raw: payload)
        return writer.bytes
    }

    /// Reads a file from front to back.
    public struct Reader {
        private let path: String
        private let files = PosixFileSystem()
        private var offset: UInt64
        public let snapshot: VerifiedSnapshot

        /// Reads and verifies the manifest.
        ///
        /// - Throws: ``SnapshotRejection``; ``StoreFailure`` for faults of the disk.
        public init(_ path: String, genesis: ChainState, trusting trust: SnapshotTrust) throws {
            self.path = path
            let start = try files.read(path, from: 0, count: magic.count)
            guard start == magic else { throw SnapshotRejection(.malformed, "\(path) is no snapshot") }
            offset = UInt64(magic.count)
            let payload = try Reader.payload(
                path, &offset, limit: SnapshotManifest.bytesMax, of: "the manifest")
            let manifest: SnapshotManifest
            do {
                manifest = try SnapshotManifest(decoding: payload)
            } catch {
                throw SnapshotRejection(.malformed, "the manifest cannot be read: \(error)")
            }
            snapshot = try VerifiedSnapshot(manifest, genesis: genesis, trusting: trust)
        }

        /// Reads and verifies the next segment.
        public mutating func segment(_ index: Int) throws -> SnapshotSegment {
            let payload = try Reader.payload(
                path, &offset, limit: SnapshotSegment.bytesMax, of: "segment \(index)")
            return try SnapshotSegment(decoding: payload, of: snapshot, expecting: index)
        }

        /// - Throws: ``SnapshotRejection`` when there is more behind the last segment.
        public func finish() throws {
            guard try files.size(of: path) == offset else {
                throw SnapshotRejection(.malformed, "there is more behind the last segment")
            }
        }

        private static func payload(
            _ path: String, _ offset: inout UInt64, limit: Int, of what: String
        ) throws -> [UInt8] {
            let files = PosixFileSystem()
            var reader = ByteReader(try files.read(path, from: offset, count: frameBytes))
            guard let length: UInt32 = try? reader.readInteger(), let sum: UInt32 = try? reader.readInteger()
            else { throw SnapshotRejection(.malformed, "the file ends before \(what)") }
            guard Int(length) <= limit else {
                throw SnapshotRejection(.malformed, "\(what) claims \(length) bytes, at most \(limit)")
            }
            // Before any room is made for it.
            guard try files.size(of: path) >= offset + UInt64(frameBytes) + UInt64(length) else {
                throw SnapshotRejection(.malformed, "the file ends within \(what)")
            }
            let payload = try files.read(path, from: offset + UInt64(frameBytes), count: Int(length))
            guard CRC32C.checksum(payload) == sum else {
                throw SnapshotRejection(.segment, "\(what) does not match its checksum: fetch the file again")
            }
            offset += UInt64(frameBytes) + UInt64(length)
            return payload
        }
    }
}
