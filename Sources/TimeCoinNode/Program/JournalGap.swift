import TimeCoinCore
import TimeCoinStore

/// What the consensus journal of a node does not remember, although this member may have signed there: its
/// locks of those heights are lost, so nothing is signed up to the last of them, also after later starts.
///
/// A gap is a directory beside the journal, `journal.before-100`: what was there instead, or empty.
struct JournalGap {
    private let path: String
    private let files = PosixFileSystem()

    /// - Parameter path: of the journal.
    init(_ path: String) {
        self.path = path
    }

    private var parent: String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }
    private var prefix: String { String(path.dropFirst(parent.count + 1)) + ".before-" }

    /// The height up to which nothing may be signed; 0 when nothing was lost.
    func height() throws(StoreFailure) -> Height {
        var height: Height = 0
        for name in try files.names(in: parent) ?? [] where name.hasPrefix(prefix) {
            height = max(height, Height(name.dropFirst(prefix.count)) ?? 0)
        }
        return height
    }

    /// Remembers that nothing may be signed up to a height; durable on return.
    func mark(_ height: Height) throws(StoreFailure) {
        guard try self.height() < height else { return }
        try files.createDirectory(parent + "/" + prefix + "\(height)")
    }

    /// Opens the journal. One that is ahead of the chain, because the database is an older copy or begins
    /// anew, is put aside whole: the heights in a journal never fall.
    ///
    /// - Parameter next: the height being decided.
    func open(next: Height) throws -> StoredJournal {
        guard let last = try lastHeight(), last > next else { return try StoredJournal(opening: path) }
        let aside = parent + "/" + prefix + "\(last)"
        // It is there already only where the same height was lost before.
        let taken = try files.names(in: aside)
        try files.rename(path, to: taken.map { aside + "/" + freeName(next, $0) } ?? aside)
        try files.syncDirectory(parent)
        return try StoredJournal(opening: path)
    }

    private func freeName(_ next: Height, _ taken: [String]) -> String {
        // One more than are there: one of them is free.
        let names = ["\(next)"] + (0..<taken.count).map { "\(next)-\($0 + 2)" }
        return names.first { !taken.contains($0) } ?? "\(next)"
    }

    private func lastHeight() throws -> Height? {
        guard try files.names(in: path) != nil else { return nil }
        return try StoredJournal(opening: path).lastHeight
    }
}
