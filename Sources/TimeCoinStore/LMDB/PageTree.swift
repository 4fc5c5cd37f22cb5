/// The tree of pages of a file of LMDB 0.9, looked at before LMDB trusts it: each page lies in its place, is
/// of the kind that the one above takes it for, and is named once, either by a page above or by the list of
/// free pages.
///
/// Pages carry no checksum and are never written where they lie. So whatever page above a leaf is an older
/// one names a page that is free by now, or in use elsewhere; so does an old list of free pages, which would
/// have the next commit overwrite what is in use.
struct PageTree {
    private let file: PageFile
    private let pageBytes: Int
    /// The first page behind the file.
    private let end: UInt64
    private var named = BitSet()
    private var room = PageTree.pagesMax

    /// Pages read at most: beyond 128 MiB of them an opening would take too long, and they are not looked at.
    /// Of most tables no leaves are read, so that this stands for a database of some hundred times its size.
    static let pagesMax = 32_768
    /// Levels of a table at most, as LMDB has it.
    private static let depthMax = 32
    /// Reads bytes of the file from an offset.
    typealias PageFile = (_ offset: UInt64, _ count: Int) throws(StoreFailure) -> [UInt8]

    private struct Counts {
        var branches: UInt64 = 0
        var leaves: UInt64 = 0
        var overflows: UInt64 = 0
    }

    /// What the leaves of a table are read for.
    private enum Content {
        /// For nothing: they are named, and that is all.
        case unread
        case records
        case tables
        case freePages
    }

    /// - Parameter pages: of the file, the last one in use included.
    init(_ file: @escaping PageFile, pageBytes: Int, pages: UInt64) {
        self.file = file
        self.pageBytes = pageBytes
        end = pages
    }

    /// - Parameter last: the number of the last transaction, which tells the two first pages apart.
    /// - Returns: `false` when there are too many pages, so that some were not looked at.
    /// - Throws: `corrupt`.
    mutating func check(last: UInt64) throws(StoreFailure) -> Bool {
        guard end <= BitSet.numberMax else { return false }
        for number in UInt64(0)..<2 {
            let page = PageBytes(try file(number * UInt64(pageBytes), pageBytes))
            guard page.word(PageBytes.metaTransaction) == last else { continue }
            try walk(PageBytes.Table(page, at: PageBytes.metaTables + PageBytes.tableBytes), .tables)
            try walk(PageBytes.Table(page, at: PageBytes.metaTables), .freePages)
            return room > 0
        }
        throw damaged(0, "neither of the first pages is of transaction \(last)")
    }

    private mutating func walk(_ table: PageBytes.Table, _ content: Content) throws(StoreFailure) {
        guard table.root != .max else { return }
        guard table.depth > 0, table.depth <= PageTree.depthMax else {
            throw damaged(table.root, "a table of \(table.depth) levels")
        }
        var counts = Counts()
        try descend(table.root, Int(table.depth), content, &counts)
        guard room > 0 else { return }
        guard counts.branches == table.branches, counts.leaves == table.leaves,
            content == .unread || counts.overflows == table.overflows
        else { throw damaged(table.root, "a table with other pages than are counted") }
    }

    private mutating func descend(
        _ number: UInt64, _ level: Int, _ content: Content, _ counts: inout Counts
    ) throws(StoreFailure) {
        try name(number)
        guard level > 1 || content != .unread else {
            counts.leaves += 1
            return
        }
        guard room > 0 else { return }
        room -= 1
        let page = PageBytes(try file(number * UInt64(pageBytes), pageBytes))
        guard page.number == number else { throw damaged(number, "the page of another place") }
        guard page.kind == (level > 1 ? PageBytes.branch : PageBytes.leaf), let nodes = page.nodes else {
            throw damaged(number, "not a page of level \(level)")
        }
        if level > 1 {
            counts.branches += 1
            for node in nodes { try descend(page.child(node), level - 1, content, &counts) }
        } else {
            counts.leaves += 1
            for node in nodes { try read(page, node, content, &counts) }
        }
    }

    private mutating func read(
        _ page: PageBytes, _ node: Int, _ content: Content, _ counts: inout Counts
    ) throws(StoreFailure) {
        guard let data = page.data(node) else { throw damaged(page.number, "a record beyond its page") }
        var first: UInt64?
        if page.isApart(node) {
            let start = page.word(data.lowerBound)
            first = start
            let pages = UInt64((PageBytes.headerBytes - 1 + data.count) / pageBytes + 1)
            guard pages <= end, start <= end - pages else { throw damaged(start, "beyond the file") }
            for number in start..<start + pages { try name(number) }
            counts.overflows += pages
        }
        switch content {
        case .unread, .records: break
        case .tables:
            guard first == nil, page.isTable(node), data.count == PageBytes.tableBytes else {
                throw damaged(page.number, "not a table")
            }
            let table = PageBytes.Table(page, at: data.lowerBound)
            try walk(table, table.overflows == 0 ? .unread : .records)
        case .freePages:
            let list =
                try first.map { start throws(StoreFailure) in
                    PageBytes(
                        try file(start * UInt64(pageBytes) + UInt64(PageBytes.headerBytes), data.count))
                } ?? page
            let place = first == nil ? data.lowerBound : 0
            let count = list.word(place)
            guard data.count >= 8, count <= UInt64(data.count / 8 - 1) else {
                throw damaged(page.number, "a list of \(count) free pages")
            }
            for entry in 0..<Int(count) { try name(list.word(place + 8 * (entry + 1))) }
        }
    }

    private mutating func name(_ number: UInt64) throws(StoreFailure) {
        guard number > 1, number < end else { throw damaged(number, "named and not in the file") }
        guard named.insert(number) else { throw damaged(number, "in use twice, or free and in use") }
    }

    private func damaged(_ number: UInt64, _ reason: String) -> StoreFailure {
        StoreFailure(.corrupt, "page \(number): \(reason)", damaged: [.init(table: "pages", key: [])])
    }
}

/// A page as it lies in the file; numbers are in the order of the machine. Nothing beyond its end is read.
private struct PageBytes {
    /// What a table is to LMDB.
    struct Table {
        let depth: UInt16
        let branches: UInt64
        let leaves: UInt64
        let overflows: UInt64
        /// The largest number where the table is empty.
        let root: UInt64

        init(_ page: PageBytes, at offset: Int) {
            depth = page.half(offset + 6)
            branches = page.word(offset + 8)
            leaves = page.word(offset + 16)
            overflows = page.word(offset + 24)
            root = page.word(offset + 40)
        }
    }

    static let headerBytes = 16
    static let tableBytes = 48
    /// The tables of free pages and of tables, on each of the first two pages.
    static let metaTables = headerBytes + 24
    static let metaTransaction = metaTables + 2 * tableBytes + 8
    static let branch: UInt16 = 1
    static let leaf: UInt16 = 2
    private static let kinds: UInt16 = 0x2f
    private static let nodeBytes = 8
    private static let apart: UInt16 = 1
    private static let table: UInt16 = 2

    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    func half(_ offset: Int) -> UInt16 {
        guard offset >= 0, offset <= bytes.count - 2 else { return 0 }
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt16.self) }
    }

    func word(_ offset: Int) -> UInt64 {
        guard offset >= 0, offset <= bytes.count - 8 else { return 0 }
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
    }

    var number: UInt64 { word(0) }
    var kind: UInt16 { half(10) & PageBytes.kinds }

    /// Where its nodes begin; `nil` where that cannot be.
    var nodes: [Int]? {
        let (lower, upper) = (Int(half(12)), Int(half(14)))
        guard lower > PageBytes.headerBytes, lower <= upper, upper <= bytes.count else { return nil }
        let starts = stride(from: PageBytes.headerBytes, to: lower - 1, by: 2).map { Int(half($0)) }
        let last = bytes.count - PageBytes.nodeBytes
        return starts.allSatisfy { $0 >= upper && $0 <= last } ? starts : nil
    }

    /// The page below.
    func child(_ node: Int) -> UInt64 { word(node) & 0xffff_ffff_ffff }

    /// Whether the data lie on pages of their own, of which the first is named.
    func isApart(_ node: Int) -> Bool { half(node + 4) & PageBytes.apart != 0 }

    func isTable(_ node: Int) -> Bool { half(node + 4) & PageBytes.table != 0 }

    /// Where the data are, and how many bytes; `nil` where they, or the name of their page, leave the page.
    func data(_ node: Int) -> Range<Int>? {
        let count = Int(half(node)) | Int(half(node + 2)) << 16
        let start = node + PageBytes.nodeBytes + Int(half(node + 6))
        guard start + (isApart(node) ? 8 : count) <= bytes.count else { return nil }
        return start..<start + count
    }
}
