import BenchmarkSupport
import CReference
import Foundation

/// Time by two clocks: what the processor did, and what passed.
struct Elapsed {
    var processor = 0.0
    var wall = 0.0

    static func + (left: Elapsed, right: Elapsed) -> Elapsed {
        Elapsed(processor: left.processor + right.processor, wall: left.wall + right.wall)
    }

    /// Each clock's median on its own.
    static func median(_ samples: [Elapsed]) -> Elapsed {
        Elapsed(
            processor: percentile(0.5, of: samples.map(\.processor)),
            wall: percentile(0.5, of: samples.map(\.wall)))
    }
}

func measured<Result>(_ body: () throws -> Result) rethrows -> (result: Result, time: Elapsed) {
    let (processor, wall) = (processorSeconds(), seconds())
    let result = try body()
    return (result, Elapsed(processor: processorSeconds() - processor, wall: seconds() - wall))
}

func measured(_ body: () async throws -> Void) async rethrows -> Elapsed {
    let (processor, wall) = (processorSeconds(), seconds())
    try await body()
    return Elapsed(processor: processorSeconds() - processor, wall: seconds() - wall)
}

/// As many Ed25519 signatures as a block has, each of another message, for libsodium alone.
struct RawSignatures {
    private let messages: RawSodium.SignedMessages
    let count: Int

    init(_ count: Int) throws {
        self.count = count
        var keys: [[UInt8]] = []
        var texts: [[UInt8]] = []
        var signatures: [[UInt8]] = []
        for index in 0..<count {
            var seed = [UInt8](repeating: 9, count: 32)
            seed[0] = UInt8(index & 63)
            var key = [UInt8](repeating: 0, count: 32)
            var secret = [UInt8](repeating: 0, count: 64)
            _ = crypto_sign_seed_keypair(&key, &secret, seed)
            var message = [UInt8](repeating: 3, count: 32)
            message[0] = UInt8(index & 255)
            message[1] = UInt8(index >> 8 & 255)
            var signature = [UInt8](repeating: 0, count: 64)
            _ = crypto_sign_detached(&signature, nil, message, 32, secret)
            keys.append(key)
            texts.append(message)
            signatures.append(signature)
        }
        messages = RawSodium.SignedMessages(keys: keys, messages: texts, signatures: signatures)
    }

    func verify() throws -> Elapsed {
        let (verified, time) = measured { messages.verified() }
        guard verified == count else { throw Failed("a signature does not verify") }
        return time
    }
}

/// The most anonymous memory that a process has had while something ran. Unit: bytes.
final class MemorySampler: Sendable {
    /// What `/proc/self/status` says now; 0 where there is no such file.
    static var anonymousBytes: Int {
        let descriptor = open("/proc/self/status", O_RDONLY)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &text, text.count)
        let label = Array("RssAnon:".utf8)
        // By bytes: it runs beside what is measured.
        for start in 0..<max(0, count - label.count) where text[start] == label[0] {
            guard text[start..<start + label.count].elementsEqual(label) else { continue }
            return text[(start + label.count)...].drop { $0 < 48 }.prefix { (48..<58).contains($0) }
                .reduce(0) { $0 * 10 + Int($1 - 48) } * 1024
        }
        return 0
    }

    /// Samples every ten milliseconds on a thread of its own.
    static func peak(while body: () async throws -> Void) async rethrows -> Int {
        let sampler = MemorySampler()
        let thread = Thread { sampler.run() }
        thread.start()
        defer { sampler.done.signal() }
        try await body()
        sampler.stop()
        return sampler.most
    }

    private let done = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    nonisolated(unsafe) private var most = 0

    private func run() {
        repeat {
            most = max(most, MemorySampler.anonymousBytes)
        } while done.wait(timeout: .now() + 0.01)
            == .timedOut
        ended.signal()
    }

    private func stop() {
        done.signal()
        ended.wait()
    }
}
