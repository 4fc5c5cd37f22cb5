import Testing
import TimeCoinCore

@testable import TimeCoinNode

@Suite("Blocks cut into runs")
struct BlockRunTests {
    @Test(
        "a block is the same from its bytes, however much its last run holds",
        arguments: [1, 63, 64, 65, 128, 129])
    func boundary(count: Int) async throws {
        let world = try World(allocations: 130)
        let payments = try (0..<count).map { try world.payment($0) }
        let time = world.state.header.time.advanced(byMilliseconds: 1000)
        let built = try #require(try world.build([try world.admission(payments[0])], at: time))
        #expect(built.block.header.kind == .payment)
        let block = try world.unchecked(payments, like: built.block.header)
        let unchecked = try UncheckedBlock(decoding: block.encoded)
        #expect(unchecked.runCount == (count + 63) / 64)
        let last = try unchecked.checkedRun(unchecked.runCount - 1)
        #expect(last.transactions.count == (count - 1) % 64 + 1)
        #expect(try unchecked.checkedRun(unchecked.runCount).transactions.isEmpty)
        #expect(try CheckedBlock(decoding: block.encoded).hash == block.hash)
        #expect(try await BlockVerifier.check(decoding: block.encoded).transactions == payments)
    }
}
