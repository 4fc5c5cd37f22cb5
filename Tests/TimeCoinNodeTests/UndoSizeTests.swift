import Testing
import TimeCoinCore
import TimeCoinTesting

@testable import TimeCoinNode
@testable import TimeCoinStore

@Suite("What a block keeps for the way back")
struct UndoSizeTests {
    @Test("is what it changed, not the members, of whom there are as many as there may be")
    func members() throws {
        var world = try World(
            weights: [UInt64](repeating: 1, count: ValidatorSet.membersMax), allocations: 12)
        var states = [world.state.encoded]
        for height in 1...9 {
            let isScheduled = height.isMultiple(of: 3)
            let payments =
                isScheduled ? [] : [try world.admission(try world.payment(height))]
            let due = world.state.dueTime(of: world.state.slot + (isScheduled ? 1 : 0))
            let block = try #require(
                try world.build(payments, at: max(due, world.state.nextBlockTime(at: due))))
            #expect(block.block.header.kind == (isScheduled ? .scheduled : .payment))
            try world.commit(block)
            states.append(world.state.encoded)
            let undo = try #require(try world.store.snapshot { try $0.undo(at: Height(height)) })
            #expect(undo.previousState(after: states[height]) == states[height - 1])
            // A slot's subsidy changes what each member has earned.
            #expect(
                undo.encoded.count < (isScheduled ? 2000 : 600),
                "state of \(states[height - 1].count) bytes")
        }
        while world.state.height > 0 {
            try world.store.rollbackTip()
            let bytes = try #require(try world.store.snapshot { try $0.state() })
            world.state = try ChainState(decoding: bytes)
            #expect(bytes == states[Int(world.state.height)])
            #expect(world.state.roots.root == world.state.header.stateRoot)
        }
    }
}
