import Synchronization
import TimeCoinStore

/// The files of a simulated machine: what was not synced may be lost or torn when its power fails, and any
/// operation may fail, find no room, or be the last before a crash.
final class SimulatedDisk: FileSystem {
    /// What becomes of the machine's files when a process ends.
    enum Ending: Sendable {
        /// The process was killed: what was written is there, synced or not.
        case killed
        /// The power failed: of what was not synced a prefix is there.
        case powerLost
    }

    /// What happened at an ending.
    struct Losses: Sendable {
        /// Files that lost some of what was written.
        var lost = 0
        /// Files that kept a part of what was not synced, mostly cut inside a record.
        var torn = 0
    }

    fileprivate struct Content: Sendable {
        var bytes: [UInt8] = []
        var synced = 0
    }

    fileprivate struct State: Sendable {
        var contents: [Content] = []
        var names: [String: Int] = [:]
        /// Names that outlive a loss of power.
        var durableNames: [String: Int] = [:]
        var directories: Set<String> = []
        var random: SimulationRandom
        /// Operations until the process dies; `nil` for never.
        var untilCrash: Int?
        /// Operations until one fails.
        var untilError: Int?
        var isFull = false
        var isDead = false
        var errors = 0
        var refusals = 0
    }

    private let state: Mutex<State>

    init(seed: UInt64, number: Int) {
        state = Mutex(State(random: SimulationRandom(seed: seed, .disks, number)))
    }

    var isDead: Bool { state.withLock { $0.isDead } }
    /// Operations that failed so far.
    var errors: Int { state.withLock { $0.errors } }
    /// Writes that found no room so far.
    var refusals: Int { state.withLock { $0.refusals } }

    func crash(after operations: Int?) {
        state.withLock { $0.untilCrash = operations }
    }

    func fail(after operations: Int?) {
        state.withLock { $0.untilError = operations }
    }

    func setFull(_ isFull: Bool) {
        state.withLock { $0.isFull = isFull }
    }

    /// Counts one effect that is not an operation on a file; false when the process died before it.
    func survives() -> Bool {
        state.withLock { state in
            guard !state.isDead else { return false }
            return !SimulatedDisk.dies(&state)
        }
    }

    private static func dies(_ state: inout State) -> Bool {
        guard let left = state.untilCrash else { return false }
        state.untilCrash = left > 0 ? left - 1 : nil
        if left == 0 { state.isDead = true }
        return left == 0
    }

    /// Ends the process; the next one finds what is left.
    func end(_ ending: Ending) -> Losses {
        state.withLock { state in
            var losses = Losses()
            state.isDead = false
            state.untilCrash = nil
            state.untilError = nil
            guard ending == .powerLost else { return losses }
            state.names = state.durableNames
            for name in state.names.keys.sorted() {
                guard let file = state.names[name] else { continue }
                let unsynced = state.contents[file].bytes.count - state.contents[file].synced
                guard unsynced > 0 else { continue }
                // All lost, all kept, or cut anywhere.
                let kept =
                    switch state.random.below(4) {
                    case 0: 0
                    case 1: unsynced
                    default: state.random.below(unsynced + 1)
                    }
                if kept < unsynced { losses.lost += 1 }
                if kept > 0, kept < unsynced { losses.torn += 1 }
                state.contents[file].bytes.removeLast(unsynced - kept)
                state.contents[file].synced += kept
            }
            return losses
        }
    }

    /// What a loss of power would surely leave of a file.
    func durableBytes(_ path: String) -> [UInt8] {
        state.withLock { state in
            guard let file = state.durableNames[path] else { return [] }
            return Array(state.contents[file].bytes.prefix(state.contents[file].synced))
        }
    }

    /// Files of a directory that a loss of power would surely leave.
    func durableNames(in directory: String) -> [String] {
        state.withLock { state in
            state.durableNames.keys.filter { $0.hasPrefix(directory + "/") }.sorted()
        }
    }

    /// One operation that may fail; its effect happens or not when the process dies with it.
    fileprivate func operate<Value>(
        _ isWrite: Bool = false, _ body: (inout State) throws(StoreFailure) -> Value
    ) throws(StoreFailure) -> Value {
        try state.withLock { state throws(StoreFailure) in
            guard !state.isDead else { throw StoreFailure(.io, "the process is dead") }
            if SimulatedDisk.dies(&state) {
                if state.random.chance(permille: 500) { _ = try body(&state) }
                throw StoreFailure(.io, "the process dies")
            }
            if let left = state.untilError {
                state.untilError = left > 0 ? left - 1 : nil
                if left == 0 {
                    state.errors += 1
                    throw StoreFailure(.io, "an operation fails")
                }
            }
            if isWrite, state.isFull {
                state.refusals += 1
                throw StoreFailure(.full, "no room")
            }
            return try body(&state)
        }
    }

    // MARK: - FileSystem

    func createDirectory(_ path: String) throws(StoreFailure) {
        try operate { state in _ = state.directories.insert(path) }
    }

    func names(in directory: String) throws(StoreFailure) -> [String]? {
        state.withLock { state in
            guard state.directories.contains(directory) else { return nil }
            let prefix = directory + "/"
            return state.names.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
                .sorted()
        }
    }

    func lock(_ directory: String) throws(StoreFailure) -> any DirectoryLocking { SimulatedLock() }

    func size(of path: String) throws(StoreFailure) -> UInt64 {
        UInt64(try content(path).count)
    }

    func open(_ path: String, creating: Bool) throws(StoreFailure) -> any AppendableFile {
        let file = try operate { state throws(StoreFailure) -> Int in
            if let file = state.names[path] { return file }
            guard creating else { throw StoreFailure(.io, "there is no \(path)") }
            state.contents.append(Content())
            state.names[path] = state.contents.count - 1
            return state.contents.count - 1
        }
        return SimulatedFile(file, self)
    }

    func read(_ path: String, from offset: UInt64, count: Int) throws(StoreFailure) -> [UInt8] {
        let bytes = try content(path)
        let start = min(bytes.count, Int(clamping: offset))
        return Array(bytes[start..<min(bytes.count, start + count)])
    }

    private func content(_ path: String) throws(StoreFailure) -> [UInt8] {
        let bytes = state.withLock { state in
            state.isDead ? nil : state.names[path].map { state.contents[$0].bytes }
        }
        guard let bytes else { throw StoreFailure(.io, "there is no \(path)") }
        return bytes
    }

    func truncate(_ path: String, to size: UInt64) throws(StoreFailure) {
        try operate { state throws(StoreFailure) in
            guard let file = state.names[path] else { throw StoreFailure(.io, "there is no \(path)") }
            let count = state.contents[file].bytes.count
            state.contents[file].bytes.removeLast(max(0, count - Int(clamping: size)))
            state.contents[file].synced = state.contents[file].bytes.count
        }
    }

    func rename(_ source: String, to target: String) throws(StoreFailure) {
        try operate { state throws(StoreFailure) in
            guard let content = state.names.removeValue(forKey: source) else {
                throw StoreFailure(.io, "there is no \(source)")
            }
            state.names[target] = content
        }
    }

    func remove(_ path: String) throws(StoreFailure) {
        try operate { state in _ = state.names.removeValue(forKey: path) }
    }

    /// Room enough: what a full disk refuses, a write finds out.
    func space(at path: String) throws(StoreFailure) -> DiskSpace { DiskSpace(free: 1 << 40, total: 1 << 41) }

    func syncDirectory(_ path: String) throws(StoreFailure) {
        try operate { state in
            let prefix = path + "/"
            state.durableNames = state.durableNames.filter { !$0.key.hasPrefix(prefix) }
            for (name, content) in state.names where name.hasPrefix(prefix) {
                state.durableNames[name] = content
            }
        }
    }
}

private final class SimulatedLock: DirectoryLocking {}

private final class SimulatedFile: AppendableFile {
    private let file: Int
    private let disk: SimulatedDisk

    init(_ file: Int, _ disk: SimulatedDisk) {
        self.file = file
        self.disk = disk
    }

    func append(_ bytes: [UInt8]) throws(StoreFailure) {
        try disk.operate(true) { [file] state in state.contents[file].bytes += bytes }
    }

    func sync() throws(StoreFailure) {
        try disk.operate { [file] state in
            state.contents[file].synced = state.contents[file].bytes.count
        }
    }
}

extension SimulatedDisk {
    /// A disk with what a loss of power would surely leave.
    func durableCopy() -> SimulatedDisk {
        let copy = SimulatedDisk(seed: 0, number: 0)
        let (contents, names, directories) = state.withLock { state in
            (
                state.contents.map { content in
                    let bytes = Array(content.bytes[..<content.synced])
                    return Content(bytes: bytes, synced: bytes.count)
                }, state.durableNames, state.directories
            )
        }
        copy.state.withLock { state in
            state.contents = contents
            state.names = names
            state.durableNames = names
            state.directories = directories
        }
        return copy
    }
}

extension SimulatedDisk {
    /// A transaction of a database: all of it or nothing.
    func transact(_ body: () throws(StoreFailure) -> Void) throws(StoreFailure) {
        try operate(true) { _ throws(StoreFailure) in try body() }
    }
}
