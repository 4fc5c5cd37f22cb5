import Testing

@testable import TimeCoinCore

@Suite("Names as keys")
struct Hash256Tests {
    /// Inputs name outputs by bytes that a stranger chooses, and are put into sets before anything is paid.
    @Test(
        "names that agree in any three quarters of their bytes still have different hash values",
        arguments: 0..<4)
    func chosenNames(word: Int) throws {
        let names = try (0..<1000).map { number in
            var bytes = [UInt8](repeating: 7, count: Hash256.byteCount)
            bytes[8 * word] = UInt8(number & 255)
            bytes[8 * word + 1] = UInt8(number >> 8)
            return try #require(Hash256(bytes))
        }
        let outPoints = names.map { OutPoint(transaction: $0, index: 0) }
        #expect(Set(names.map(\.hashValue)).count > 990)
        #expect(Set(outPoints.map(\.hashValue)).count > 990)
    }
}
