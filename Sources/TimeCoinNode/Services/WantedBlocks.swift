import TimeCoinConsensus
import TimeCoinCore

/// Blocks that are final here and whose records are damaged, to be asked of peers. A value: one request at a
/// time, for one block, asked of one peer after the other.
struct WantedBlocks: Sendable {
    struct Request: Hashable, Sendable {
        let id: UInt64
        let peer: PeerKey
        let height: Height
    }

    /// Heights wanted at once.
    static let heightsMax = 1024
    /// After which another peer is asked. Unit: milliseconds.
    static let patience: UInt64 = 2000
    /// Numbers of these requests begin here, so that none is one of catching up.
    static let firstID: UInt64 = 1 << 63

    private var heights: [Height] = []
    private var outstanding: Request?
    /// When the last request left that brought nothing yet.
    private var asked: Instant?
    private var nextID = WantedBlocks.firstID
    private var turn = 0

    init() {}

    var isEmpty: Bool { heights.isEmpty }
    var count: Int { heights.count }

    /// - Returns: `false` when too many are wanted already.
    mutating func want(_ height: Height) -> Bool {
        guard !heights.contains(height) else { return true }
        guard heights.count < WantedBlocks.heightsMax else { return false }
        heights.append(height)
        return true
    }

    /// The block of a height has come; the next one is asked for at once.
    mutating func have(_ height: Height) {
        asked = nil
        heights.removeAll { $0 == height }
    }

    /// The next request, if one is due.
    mutating func request(of peers: [PeerKey], at now: Instant) -> Request? {
        // A peer that answers badly at once is not asked any faster than one that is silent.
        if let asked, asked.advanced(byMilliseconds: WantedBlocks.patience) > now { return nil }
        outstanding = nil
        guard let height = heights.first, !peers.isEmpty else { return nil }
        let request = Request(id: nextID, peer: peers[turn % peers.count], height: height)
        // Whatever becomes of it, the next is another block of another peer.
        heights.removeFirst()
        heights.append(height)
        turn += 1
        nextID += 1
        outstanding = request
        asked = now
        return request
    }

    /// Whether an answer of this number is waited for from the peer.
    func expects(_ id: UInt64, from peer: PeerKey) -> Bool {
        outstanding.map { $0.id == id && $0.peer == peer } ?? false
    }

    /// An answer has come.
    ///
    /// - Returns: the height that was asked for.
    mutating func answered(_ id: UInt64, by peer: PeerKey) -> Height? {
        guard expects(id, from: peer), let request = outstanding else { return nil }
        outstanding = nil
        return heights.contains(request.height) ? request.height : nil
    }
}
