public import TimeCoinCore

/// Host and port of a node.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    public let host: String
    public let port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `host:port`, or `[v6]:port`; `nil` for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.init(host: host, port: port)
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// When to dial whom: a value. Backs off from an address that does not answer, and never dials one that is
/// connected,
/// being dialled, or this node itself.
public struct DialSchedule: Sendable {
    private struct Target: Sendable {
        var failures = 0
        var notBefore = Instant(milliseconds: 0)
        var isDialling = false
        var isOwn = false
        /// Its sessions end as soon as they begin.
        var hangsUp = false
        var connected: PublicKey?
    }

    /// Milliseconds after the first failure; doubles each time.
    public static let firstDelay: UInt64 = 100
    public static let delayMax: UInt64 = 5000
    public static let addressesMax = 1000

    private var targets: [PeerAddress: Target] = [:]
    /// Spreads the attempts of nodes started together.
    private let jitterSeed: UInt64

    public init(_ addresses: [PeerAddress], jitterSeed: UInt64) {
        self.jitterSeed = jitterSeed
        for address in addresses.prefix(DialSchedule.addressesMax) {
            targets[address] = Target()
        }
    }

    /// Addresses to dial now; each counts as being dialled until its outcome is told.
    public mutating func due(at now: Instant, connected: Set<PublicKey>) -> [PeerAddress] {
        let due = targets.filter { _, target in
            !target.isDialling && !target.isOwn && target.notBefore <= now
                && !(target.connected.map(connected.contains) ?? false)
        }.keys.sorted { $0.description < $1.description }
        for address in due {
            targets[address]?.isDialling = true
        }
        return due
    }

    /// Milliseconds that a session lasts at least to count as one; a peer that hangs up sooner is left alone
    /// for longer each time.
    public static let sessionLeast: UInt64 = 2000

    /// A session that was dialled ended too soon.
    public mutating func endedSoon(_ address: PeerAddress, at now: Instant) {
        outcome(of: address, answered: nil, at: now)
        targets[address]?.hangsUp = true
    }

    /// A session that was dialled lasted: the next failure is the first again.
    public mutating func lasted(_ address: PeerAddress) {
        targets[address]?.failures = 0
        targets[address]?.hangsUp = false
    }

    /// A dial ended: who answered, or nobody.
    public mutating func outcome(of address: PeerAddress, answered: PublicKey?, at now: Instant) {
        guard var target = targets[address] else { return }
        target.isDialling = false
        if let answered {
            target.connected = answered
            target.notBefore = now.advanced(byMilliseconds: DialSchedule.firstDelay)
        } else {
            let exponent = UInt64(min(target.failures, 10))
            let delay = min(DialSchedule.firstDelay << exponent, DialSchedule.delayMax)
            let jitter = (jitterSeed &+ UInt64(target.failures) &* 7919) % (delay / 4 + 1)
            target.notBefore = now.advanced(byMilliseconds: delay + jitter)
            target.failures += 1
        }
        targets[address] = target
    }

    /// The address turned out to be this node's own.
    public mutating func isOwn(_ address: PeerAddress) {
        targets[address]?.isOwn = true
        targets[address]?.isDialling = false
    }

    /// A node is there again, so its address is worth a dial at once.
    public mutating func appeared(_ key: PublicKey) {
        for (address, target) in targets where target.connected == key && !target.hangsUp {
            targets[address]?.failures = 0
            targets[address]?.notBefore = Instant(milliseconds: 0)
            _ = target
        }
    }
}
