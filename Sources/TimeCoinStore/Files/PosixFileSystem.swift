#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The files of this machine.
public struct PosixFileSystem: FileSystem {
    /// Name of the lock file of a directory.
    public static let lockName = "LOCK"

    public init() {}

    static func failure(_ action: String, _ path: String) -> StoreFailure {
        let number = errno
        let code: StoreFailure.Code = number == ENOSPC || number == EDQUOT ? .full : .io
        return StoreFailure(code, "\(action) \(path): \(String(cString: strerror(number)))")
    }

    public func createDirectory(_ path: String) throws(StoreFailure) {
        if mkdir(path, 0o700) == 0 { return try syncDirectory(PosixFileSystem.parent(of: path)) }
        if errno == EEXIST { return }
        let parent = PosixFileSystem.parent(of: path)
        guard errno == ENOENT, parent != path else { throw PosixFileSystem.failure("create", path) }
        try createDirectory(parent)
        // Once: below some directories nothing can be made although they are there.
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw PosixFileSystem.failure("create", path)
        }
        try syncDirectory(parent)
    }

    static func parent(of path: String) -> String {
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.last == "/" {
            trimmed.removeLast()
        }
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    public func names(in directory: String) throws(StoreFailure) -> [String]? {
        guard let stream = opendir(directory) else {
            if errno == ENOENT { return nil }
            throw PosixFileSystem.failure("list", directory)
        }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw PosixFileSystem.failure("list", directory) }
        return names.sorted()
    }

    public func lock(_ directory: String) throws(StoreFailure) -> any DirectoryLocking {
        try NetworkFileSystem.refuse(directory)
        return try DirectoryLock(directory)
    }

    public func size(of path: String) throws(StoreFailure) -> UInt64 {
        var information = stat()
        guard stat(path, &information) == 0 else { throw PosixFileSystem.failure("look at", path) }
        return UInt64(clamping: information.st_size)
    }

    public func open(_ path: String, creating: Bool) throws(StoreFailure) -> any AppendableFile {
        try PosixFile(path, O_WRONLY | O_APPEND | (creating ? O_CREAT : 0))
    }

    public func read(_ path: String, from offset: UInt64, count: Int) throws(StoreFailure) -> [UInt8] {
        try PosixFile(path, O_RDONLY).read(from: offset, count: count)
    }

    /// A file held open for reading, as ``read(_:from:count:)`` reads.
    func reader(
        of path: String
    ) throws(StoreFailure) -> (_ offset: UInt64, _ count: Int) throws(StoreFailure) -> [UInt8] {
        let file = try PosixFile(path, O_RDONLY)
        return { offset, count throws(StoreFailure) in try file.read(from: offset, count: count) }
    }

    public func truncate(_ path: String, to size: UInt64) throws(StoreFailure) {
        try PosixFile(path, O_WRONLY).truncate(to: size)
    }

    public func rename(_ source: String, to target: String) throws(StoreFailure) {
        #if canImport(Glibc)
            let status = Glibc.rename(source, target)
        #else
            let status = Darwin.rename(source, target)
        #endif
        guard status == 0 else { throw PosixFileSystem.failure("rename \(source) to", target) }
    }

    public func remove(_ path: String) throws(StoreFailure) {
        guard unlink(path) == 0 else { throw PosixFileSystem.failure("remove", path) }
    }

    public func syncDirectory(_ path: String) throws(StoreFailure) {
        try PosixFile(path, O_RDONLY | O_DIRECTORY).syncAll()
    }

    /// Has the whole of a file backed by the disk. A mapped page without one ends the process when it is
    /// written and the disk is full.
    func allocate(_ path: String) throws(StoreFailure) {
        #if canImport(Glibc)
            let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
            guard descriptor >= 0 else { throw PosixFileSystem.failure("open", path) }
            defer { close(descriptor) }
            errno = posix_fallocate(descriptor, 0, off_t(clamping: try size(of: path)))
            guard errno == 0 else { throw PosixFileSystem.failure("allocate", path) }
        #endif
    }

    public func space(at path: String) throws(StoreFailure) -> DiskSpace {
        var information = statvfs()
        guard statvfs(path, &information) == 0 else {
            throw PosixFileSystem.failure("ask for the room of", path)
        }
        func bytes(_ blocks: fsblkcnt_t) -> UInt64 {
            let size = UInt64(information.f_frsize)
            let (bytes, overflow) = UInt64(blocks).multipliedReportingOverflow(by: size)
            return overflow ? .max : bytes
        }
        return DiskSpace(free: bytes(information.f_bavail), total: bytes(information.f_blocks))
    }
}

/// An open descriptor.
private final class PosixFile: AppendableFile {
    private let descriptor: CInt
    private let path: String

    init(_ path: String, _ flags: CInt) throws(StoreFailure) {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw PosixFileSystem.failure("open", path) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func append(_ bytes: [UInt8]) throws(StoreFailure) {
        var done = 0
        while done < bytes.count {
            let written = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done)
            }
            guard written > 0 || (written < 0 && errno == EINTR) else {
                throw PosixFileSystem.failure("write to", path)
            }
            done += max(0, written)
        }
    }

    func sync() throws(StoreFailure) {
        #if canImport(Glibc)
            guard fdatasync(descriptor) == 0 else { throw PosixFileSystem.failure("sync", path) }
        #else
            guard fcntl(descriptor, F_FULLFSYNC) == 0 else { throw PosixFileSystem.failure("sync", path) }
        #endif
    }

    func syncAll() throws(StoreFailure) {
        guard fsync(descriptor) == 0 else { throw PosixFileSystem.failure("sync", path) }
    }

    func truncate(to size: UInt64) throws(StoreFailure) {
        guard ftruncate(descriptor, off_t(clamping: size)) == 0 else {
            throw PosixFileSystem.failure("cut", path)
        }
        try syncAll()
    }

    func read(from offset: UInt64, count: Int) throws(StoreFailure) -> [UInt8] {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count {
                let target = buffer.baseAddress?.advanced(by: initialized)
                let place = off_t(clamping: offset) + off_t(initialized)
                let got = pread(descriptor, target, count - initialized, place)
                if got < 0, errno == EINTR { continue }
                failed = got < 0
                guard got > 0 else { return }
                initialized += got
            }
        }
        guard !failed else { throw PosixFileSystem.failure("read", path) }
        return bytes
    }
}

/// An exclusive `flock` on the lock file of a directory; the system drops it when the process ends, however
/// it ends.
private final class DirectoryLock: DirectoryLocking {
    private let descriptor: CInt

    init(_ directory: String) throws(StoreFailure) {
        let path = "\(directory)/\(PosixFileSystem.lockName)"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw PosixFileSystem.failure("open", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw PosixFileSystem.failure("lock", path) }
            throw StoreFailure(.locked, "another instance has \(directory) open; stop it first")
        }
    }

    deinit {
        guard descriptor >= 0 else { return }
        // Not left to `close`: a child that the host has forked meanwhile shares the lock and would keep it.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
