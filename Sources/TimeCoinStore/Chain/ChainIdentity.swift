import TimeCoinCore

/// What a database says about itself: the first record that is read, the only one whose checksum has no own
/// key.
struct ChainIdentity: Hashable {
    let format: UInt32
    let chain: Hash256
    let instance: UInt64
    let addressIndex: Bool

    /// The format that this version reads and writes.
    static let currentFormat: UInt32 = 2
    static let tableName = "identity"
    static let key = RecordKey(0)

    /// Keyed by chain and instance, so that no record of another database passes.
    var checksumKey: SipHash.Key {
        let seed = chain.bytes + ByteWriter.number(instance)
        return SipHash.Key(
            low: SipHash.hash(seed + [0], key: .zero), high: SipHash.hash(seed + [1], key: .zero))
    }

    var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 48)
        writer.write(format)
        writer.write(chain)
        writer.write(instance)
        writer.write(UInt8(addressIndex ? 1 : 0))
        return writer.bytes
    }

    init(chain: Hash256, instance: UInt64, addressIndex: Bool) {
        format = ChainIdentity.currentFormat
        self.chain = chain
        self.instance = instance
        self.addressIndex = addressIndex
    }

    /// - Throws: `formatTooNew` and `formatTooOld` with what to do, `corrupt`.
    init(decoding bytes: [UInt8]) throws(StoreFailure) {
        do {
            var reader = ByteReader(bytes)
            let format: UInt32 = try reader.readInteger()
            // Another format may continue in any way, so it is judged first.
            guard format == ChainIdentity.currentFormat else { throw ChainIdentity.refusal(of: format) }
            self.format = format
            chain = try reader.readHash()
            instance = try reader.readInteger()
            addressIndex = try reader.readByte() == 1
            try reader.finish()
        } catch let failure as StoreFailure {
            throw failure
        } catch {
            throw StoreFailure.corrupt(ChainIdentity.tableName, ChainIdentity.key.bytes, "\(error)")
        }
    }

    private static func refusal(of format: UInt32) -> StoreFailure {
        let known = "the database has format \(format), this program reads format \(currentFormat)"
        return format > currentFormat
            ? StoreFailure(.formatTooNew, "\(known); start the newer program that wrote it")
            : StoreFailure(
                .formatTooOld,
                "\(known); start it with the program that wrote it, or move the directory away and sync")
    }

    /// - Throws: `wrongChain`, `wrongOptions`.
    func check(chain expected: Hash256, _ options: StoreOptions) throws(StoreFailure) {
        guard chain == expected else {
            throw StoreFailure(
                .wrongChain,
                "the database belongs to the chain \(chain), not \(expected); use another directory")
        }
        guard addressIndex == options.addressIndex else {
            throw StoreFailure(
                .wrongOptions,
                "the database was created \(addressIndex ? "with" : "without") an address index; open it so"
            )
        }
    }
}
