import CLMDB
import Synchronization

/// Whether a record lies on the page that LMDB takes it for: every page begins with its number, and pages lie
/// in the map in the order of their numbers.
///
/// LMDB does not compare them. A page that a disk or a copy put in another's place holds sound records, which
/// a search finds in the wrong order, or not at all.
final class PageCheck: Sendable {
    /// Where the map begins; 0 before anything was read.
    private let base = Atomic<UInt>(0)
    private let pageBytes = Atomic<UInt>(4096)
    private let mapBytes = Atomic<UInt>(0)

    /// - Parameters:
    ///   - pageBytes: a power of two.
    ///   - mapBytes: the size of the map.
    func begin(pageBytes: Int, mapBytes: Int) {
        self.pageBytes.store(UInt(max(1, pageBytes)), ordering: .relaxed)
        self.mapBytes.store(UInt(max(0, mapBytes)), ordering: .relaxed)
    }

    /// - Parameters:
    ///   - value: a record whose checksum is right: it lies on a leaf, or on the first of its own pages.
    ///   - isWriting: pages that a write transaction changed lie beside the map; they are its own.
    func isInPlace(_ value: MDB_val, isWriting: Bool) -> Bool {
        guard let data = value.mv_data else { return false }
        let pageBytes = pageBytes.load(ordering: .relaxed)
        let page = UInt(bitPattern: data) & ~(pageBytes - 1)
        guard let start = UnsafeRawPointer(bitPattern: page) else { return false }
        let (offset, overflow) = UInt(start.load(as: UInt64.self)).multipliedReportingOverflow(by: pageBytes)
        let known = base.load(ordering: .relaxed)
        let mapBytes = mapBytes.load(ordering: .relaxed)
        if isWriting, known == 0 || page < known || page - known >= mapBytes { return true }
        guard !overflow, offset <= page else { return false }
        if known == 0 {
            base.store(page - offset, ordering: .relaxed)
            return true
        }
        return page - offset == known
    }
}
