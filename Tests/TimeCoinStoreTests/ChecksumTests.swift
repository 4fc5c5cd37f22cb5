import Testing

@testable import TimeCoinStore

@Suite struct ChecksumTests {
    @Test("SipHash-2-4 gives the values of its paper")
    func sipHash() {
        let key = SipHash.Key(low: 0x0706_0504_0302_0100, high: 0x0f0e_0d0c_0b0a_0908)
        #expect(SipHash.hash([], key: key) == 0x726f_db47_dd0e_0e31)
        #expect(SipHash.hash((0..<15).map { $0 }, key: key) == 0xa129_ca61_49be_45e5)
    }

    @Test("CRC-32C gives the values of RFC 3720, in one piece and in any two")
    func crc() {
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(CRC32C.checksum([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        let bytes = (0..<32).map { UInt8($0) }
        #expect(CRC32C.checksum(bytes) == 0x46dd_794e)
        for cut in 0...32 {
            var crc = CRC32C()
            crc.update(bytes[..<cut])
            crc.update(Array(bytes[cut...]))
            #expect(crc.value == 0x46dd_794e)
        }
        #expect(CRC32C.checksum("123456789".utf8) == 0xe306_9283)
    }
}
