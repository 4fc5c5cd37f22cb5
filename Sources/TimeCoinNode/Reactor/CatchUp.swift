import TimeCoinConsensus
import TimeCoinCore

/// Fetches certified blocks above the own tip. A value: one request at a time, each bounded, asked of
/// another peer when it is not answered well; idle again as soon as nobody claims more. While what has come
/// is judged and written, the next is on its way.
struct CatchUp: Sendable {
    struct Request: Hashable, Sendable {
        let id: UInt64
        let peer: PeerKey
        let start: Height
        let count: UInt32
    }

    /// Blocks asked for at once.
    static let window: UInt32 = 64

    private var tips: [PeerKey: Height] = [:]
    private var outstanding: (request: Request, asked: Instant)?
    private var waiting: [Height: CertifiedBlock] = [:]
    /// Where the last answer began.
    private var answered: Height = 0
    private var nextID: UInt64 = 1
    private var turn = 0

    /// Whether blocks are being fetched or wait to be executed.
    var isBusy: Bool { outstanding != nil || !waiting.isEmpty }

    /// The tip that at least half of the peers claim to have reached; no single one can move it far.
    var best: Height {
        let claims = tips.values.sorted()
        return claims.isEmpty ? 0 : claims[claims.count / 2]
    }

    /// Whether an answer of this number is waited for from the peer.
    func expects(_ id: UInt64, from peer: PeerKey) -> Bool {
        outstanding.map { $0.request.id == id && $0.request.peer == peer } ?? false
    }

    mutating func heard(_ peer: PeerKey, tip: Height) {
        tips[peer] = tip
    }

    mutating func gone(_ peer: PeerKey) {
        tips[peer] = nil
        if outstanding?.request.peer == peer { outstanding = nil }
    }

    /// The next request, if one is due: for what follows the blocks that wait, as soon as all of them are of
    /// one answer. Silence costs the peer its claim until it makes it again.
    mutating func request(above tip: Height, at now: Instant, patience: UInt64) -> Request? {
        waiting = waiting.filter { $0.key > tip }
        if let open = outstanding {
            guard open.asked.advanced(byMilliseconds: patience) <= now else { return nil }
            tips[open.request.peer] = nil
            outstanding = nil
        }
        guard waiting.isEmpty || answered <= tip + 1 else { return nil }
        let top = waiting.keys.max() ?? tip
        // What is certified by another set can be verified only when the block that names it is written.
        if let last = waiting[top]?.block.header, last.validators != last.nextValidators { return nil }
        let ahead = tips.filter { $0.value > top }.keys.sorted()
        guard !ahead.isEmpty else { return nil }
        turn += 1
        let peer = ahead[turn % ahead.count]
        let missing = (tips[peer] ?? top) - top
        let request = Request(
            id: nextID, peer: peer, start: top + 1, count: UInt32(min(missing, UInt64(CatchUp.window))))
        nextID += 1
        outstanding = (request, now)
        return request
    }

    /// Takes an answer: blocks from the asked start on, without a gap. A prefix is welcome; anything else is
    /// dropped, and the peer's claim with it.
    mutating func take(
        _ items: [CertifiedBlock], id: UInt64, from peer: PeerKey, above tip: Height
    ) {
        guard let request = outstanding?.request, request.id == id, request.peer == peer else { return }
        outstanding = nil
        guard !items.isEmpty, items.count <= Int(request.count) else {
            tips[peer] = nil
            return
        }
        for (offset, item) in items.enumerated() {
            let height = request.start + UInt64(offset)
            guard item.block.header.height == height else {
                tips[peer] = nil
                return
            }
            if height > tip { waiting[height] = item }
            answered = request.start
        }
    }

    /// Forgets what was fetched and asked for, not who is ahead.
    mutating func restart() {
        waiting = [:]
        outstanding = nil
    }

    /// The blocks that follow a tip without a gap, as many as `max`; they wait on until the tip has passed
    /// them.
    func run(after tip: Height, max: Int) -> [CertifiedBlock] {
        var run: [CertifiedBlock] = []
        while run.count < max, let next = waiting[tip + 1 + UInt64(run.count)] { run.append(next) }
        return run
    }

    mutating func next(after tip: Height) -> CertifiedBlock? {
        waiting.removeValue(forKey: tip + 1)
    }
}
