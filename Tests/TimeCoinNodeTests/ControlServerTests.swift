import Foundation
import NIOPosix
import Testing
import TimeCoinControl

@testable import TimeCoinNode

/// Answers every call with as many letters as its method's name says.
private struct Letters: CallAnswering {
    func answer(_ request: RPCRequest) async -> Result<JSONValue, RPCError> {
        .success(.string(String(repeating: "a", count: Int(request.method) ?? 0)))
    }

    func delivered() {}
}

@Suite("The control socket")
struct ControlServerTests {
    @Test("O3: an answer of any length arrives whole, also when the connection is closed behind it")
    func longAnswers() async throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("h\(UInt32.random(in: 0...UInt32.max)).sock").path
        let server = ControlServer(
            path: path, answering: Letters(), group: MultiThreadedEventLoopGroup.singleton)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            // Connecting fails until the socket is there.
            let client = ControlClient(socket: path)
            var isUp = false
            for _ in 0..<100_000 where !isUp {
                do throws(ControlFailure) {
                    isUp = try await client.call("1") == .string("a")
                } catch {
                    try #require(error.kind == .unreachable)
                    await Task.yield()
                }
            }
            try #require(isUp)
            for length in [0, 100_000, 4_000_000, 16_000_000] {
                let answer = try await client.call("\(length)")
                #expect(answer.string?.utf8.count == length)
            }
            group.cancelAll()
            while (try? await group.next()) != nil {}
        }
    }
}
