/// The tree of pages of a file of LMDB 0.9, looked at before LMDB trusts it: each page lies in its place, is
/// of the kind that the one above takes it for, and is named once, either by a page above or by the list of
/// free pages.
///
/// Pages carry no checksum and are never written where they lie. So an older page above a leaf names pages
/// that are free by now, or in use elsewhere; so does an old list of free pages, which would have the next
/// commit overwrite what is in use. What an older page names may by chance all be named by nobody else: an
/// older table of tables then leads to tables that do not hold as many records as the counts beside the tip
/// say, and an older leaf of records is left to what its records say.
struct PageTree {
    private let file: PageFile
    private let pageBytes: Int
    /// The first page behind the file.
    private let end: UInt64
    private let pagesMax: Int
    private var named = BitSet()
    private var tables: [Walked] = []

    /// Pages of the tables that are read at an opening at most, the highest first: beyond half a MiB an
    /// opening would grow with the database. Of most tables no leaves are read, and one page above them
    /// stands for some hundred of them.
    static let pagesMax = 128
    /// Of the free list as many are read, divided by this: one of them names 510 pages.
    static let listDivisor = 4
    /// Levels of a table at most, as LMDB has it.
    private static let depthMax = 32
    /// Reads bytes of the file from an offset.
    typealias PageFile = (_ offset: UInt64, _ count: Int) throws(StoreFailure) -> [UInt8]

    /// What was met of a table.
    private struct Walked {
        let table: PageBytes.Table
        let content: Content
        var branches: UInt64 = 0
        var leaves: UInt64 = 0
        var overflows: UInt64 = 0
        var entries: UInt64 = 0
        /// Whether nothing was left out.
        var isWhole = true
    }

    /// What the leaves of a table are read for.
    private enum Content {
        /// For nothing, unless one is all there is: they are named.
        case unread
        case records
        case tables
        case freePages
    }

    /// A page that was named, and is to be read.
    private struct Pending {
        let number: UInt64
        /// 1 for leaves.
        let level: UInt16
        let table: Int
    }

    /// - Parameters:
    ///   - pages: of the file, the last one in use included.
    ///   - pagesMax: as ``pagesMax``.
    init(_ file: @escaping PageFile, pageBytes: Int, pages: UInt64, pagesMax: Int = PageTree.pagesMax) {
        self.file = file
        self.pageBytes = pageBytes
        self.pagesMax = pagesMax
        end = pages
    }

    /// - Parameter last: the number of the last transaction, which tells the two first pages apart.
    /// - Returns: `false` when there are too many pages, so that some were not looked at.
    /// - Throws: `corrupt`.
    mutating func check(last: UInt64) throws(StoreFailure) -> Bool {
        guard end <= BitSet.numberMax else { return false }
        named = BitSet(room: end)
        for number in UInt64(0)..<2 {
            let page = PageBytes(try file(number * UInt64(pageBytes), pageBytes))
            guard page.word(PageBytes.metaTransaction) == last else { continue }
            try walk(PageBytes.Table(page, at: PageBytes.metaTables), .freePages)
            try walk(PageBytes.Table(page, at: PageBytes.metaTables + PageBytes.tableBytes), .tables)
            for walked in tables where walked.isWhole { try compare(walked) }
            return tables.allSatisfy(\.isWhole)
        }
        throw damaged(0, "neither of the first pages is of transaction \(last)")
    }

    private func compare(_ walked: Walked) throws(StoreFailure) {
        let table = walked.table
        guard walked.branches == table.branches, walked.leaves == table.leaves else {
            throw damaged(table.root, "a table with other pages than are counted")
        }
        // Of one whose leaves were not read nothing more is known.
        guard walked.content != .unread || table.depth == 1 else { return }
        // A record that is written again in one transaction, and shorter, keeps the pages that it had.
        guard walked.overflows <= table.overflows, walked.entries == table.entries else {
            throw damaged(table.root, "a table with other records than are counted")
        }
    }

    /// Reads a table, and those that it names, level by level.
    private mutating func walk(_ table: PageBytes.Table, _ content: Content) throws(StoreFailure) {
        var queue: [Pending] = []
        try begin(table, content, &queue)
        var room = content == .freePages ? pagesMax / PageTree.listDivisor : pagesMax
        var next = 0
        while next < queue.count {
            let pending = queue[next]
            next += 1
            guard room > 0 else {
                tables[pending.table].isWhole = false
                continue
            }
            room -= 1
            try read(pending, &queue, &room)
        }
    }

    private mutating func begin(
        _ table: PageBytes.Table, _ content: Content, _ queue: inout [Pending]
    ) throws(StoreFailure) {
        tables.append(Walked(table: table, content: content))
        guard table.root != .max else { return }
        guard table.depth > 0, table.depth <= PageTree.depthMax else {
            throw damaged(table.root, "a table of \(table.depth) levels")
        }
        try name(table.root)
        queue.append(Pending(number: table.root, level: table.depth, table: tables.count - 1))
    }

    private mutating func read(
        _ pending: Pending, _ queue: inout [Pending], _ room: inout Int
    ) throws(StoreFailure) {
        let (number, level) = (pending.number, pending.level)
        let page = PageBytes(try file(number * UInt64(pageBytes), pageBytes))
        guard page.number == number else { throw damaged(number, "the page of another place") }
        guard page.kind == (level > 1 ? PageBytes.branch : PageBytes.leaf), let nodes = page.nodes else {
            throw damaged(number, "not a page of level \(level)")
        }
        let isUnread = tables[pending.table].content == .unread
        guard level > 1 else {
            tables[pending.table].leaves += 1
            tables[pending.table].entries += UInt64(nodes.count)
            guard !isUnread else { return }
            for node in nodes { try read(page, node, pending.table, &queue, &room) }
            return
        }
        tables[pending.table].branches += 1
        for node in nodes {
            try name(page.child(node))
            if level == 2, isUnread {
                tables[pending.table].leaves += 1
            } else {
                queue.append(Pending(number: page.child(node), level: level - 1, table: pending.table))
            }
        }
    }

    /// Reads a record of a leaf.
    private mutating func read(
        _ page: PageBytes, _ node: Int, _ place: Int, _ queue: inout [Pending], _ room: inout Int
    ) throws(StoreFailure) {
        guard let data = page.data(node) else { throw damaged(page.number, "a record beyond its page") }
        var first: UInt64?
        var pages: UInt64 = 0
        if page.isApart(node) {
            let start = page.word(data.lowerBound)
            first = start
            pages = UInt64((PageBytes.headerBytes - 1 + data.count) / pageBytes + 1)
            guard pages <= end, start <= end - pages else { throw damaged(start, "beyond the file") }
            for number in start..<start + pages { try name(number) }
            tables[place].overflows += pages
        }
        switch tables[place].content {
        case .unread, .records: break
        case .tables:
            guard first == nil, page.isTable(node), data.count == PageBytes.tableBytes else {
                throw damaged(page.number, "not a table")
            }
            let table = PageBytes.Table(page, at: data.lowerBound)
            try begin(table, table.overflows == 0 ? .unread : .records, &queue)
        case .freePages:
            guard pages <= room else { return tables[place].isWhole = false }
            room -= Int(pages)
            try nameFree(page, data, apart: first)
        }
    }

    /// - Parameter first: the first of the pages on which the list lies, where it is not on the leaf.
    private mutating func nameFree(
        _ page: PageBytes, _ data: Range<Int>, apart first: UInt64?
    ) throws(StoreFailure) {
        let list =
            try first.map { start throws(StoreFailure) in
                PageBytes(try file(start * UInt64(pageBytes) + UInt64(PageBytes.headerBytes), data.count))
            } ?? page
        let place = first == nil ? data.lowerBound : 0
        let count = list.word(place)
        guard data.count >= 8, count <= UInt64(data.count / 8 - 1) else {
            throw damaged(page.number, "a list of \(count) free pages")
        }
        for entry in 0..<Int(count) { try name(list.word(place + 8 * (entry + 1))) }
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
        let entries: UInt64
        /// The largest number where the table is empty.
        let root: UInt64

        init(_ page: PageBytes, at offset: Int) {
            depth = page.half(offset + 6)
            branches = page.word(offset + 8)
            leaves = page.word(offset + 16)
            overflows = page.word(offset + 24)
            entries = page.word(offset + 32)
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
        let last = bytes.count - PageBytes.nodeBytes
        let count = (lower - PageBytes.headerBytes) / 2
        return bytes.withUnsafeBytes { bytes in
            var starts: [Int] = []
            starts.reserveCapacity(count)
            for place in 0..<count {
                let start = Int(
                    bytes.loadUnaligned(fromByteOffset: PageBytes.headerBytes + 2 * place, as: UInt16.self))
                guard start >= upper, start <= last else { return nil }
                starts.append(start)
            }
            return starts
        }
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
