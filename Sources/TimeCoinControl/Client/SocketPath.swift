import Foundation

/// Where a node's control socket is.
///
/// The place is `<datadir>/<network>/node.sock`. Addresses of Unix sockets are short, so below a deep
/// directory the socket lies in a directory of the user's own below the runtime directory, and
/// `node.sock.path` beside its usual place says where. Nobody else may make that directory first and wait
/// there for the user's calls, so whatever it is, it is looked at before use.
public enum SocketPath {
    /// Bytes of a socket's path at most.
    public static let bytesMax = 100

    /// Why no socket may be used: its directory is not private.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public let description: String
        public let hint: String
    }

    /// Where a node listens. The returned pointer file, if any, is to be written with the path.
    public static func forListening(networkDirectory: String) -> (path: String, pointer: String?) {
        let usual = usual(networkDirectory)
        guard usual.utf8.count > bytesMax else { return (usual, nil) }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in usual.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return ("\(privateDirectory)/\(String(hash, radix: 16)).sock", pointer(networkDirectory))
    }

    /// Makes what ``forListening(networkDirectory:)`` needs; a node calls it before it listens.
    public static func prepare(networkDirectory: String) throws(Failure) {
        let place = forListening(networkDirectory: networkDirectory)
        guard place.pointer != nil else {
            // The directory may have been a deep one before.
            unlink(pointer(networkDirectory))
            return
        }
        let directory = parent(of: place.path)
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw Failure(
                description: "cannot make \(directory): \(String(cString: strerror(errno)))", hint: advice)
        }
        try check(directory)
    }

    /// Where a client finds the node.
    public static func forConnecting(networkDirectory: String) throws(Failure) -> String {
        guard let pointed = try? String(contentsOfFile: pointer(networkDirectory), encoding: .utf8) else {
            return usual(networkDirectory)
        }
        let path = pointed.trimmingCharacters(in: .whitespacesAndNewlines)
        try check(parent(of: path))
        return path
    }

    private static let advice =
        "choose a data directory with a shorter path, or set XDG_RUNTIME_DIR to a directory of your own"

    private static var privateDirectory: String {
        let name = "timecoin-\(geteuid())"
        let longest = "/0123456789abcdef.sock".utf8.count
        if let runtime = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/"),
            runtime.utf8.count + 1 + name.utf8.count + longest <= bytesMax
        {
            return "\(runtime)/\(name)"
        }
        return "/tmp/\(name)"
    }

    private static func usual(_ networkDirectory: String) -> String { networkDirectory + "/node.sock" }

    private static func pointer(_ networkDirectory: String) -> String { usual(networkDirectory) + ".path" }

    private static func parent(of path: String) -> String { (path as NSString).deletingLastPathComponent }

    /// Refuses a directory that is somebody else's, open to others, or a symbolic link. None at all is no
    /// danger: there is no socket then.
    static func check(_ directory: String) throws(Failure) {
        var information = stat()
        guard lstat(directory, &information) == 0 else {
            guard errno != ENOENT else { return }
            throw Failure(
                description: "cannot look at \(directory): \(String(cString: strerror(errno)))", hint: advice)
        }
        let fault: String? =
            if information.st_mode & S_IFMT != S_IFDIR {
                "is no directory"
            } else if information.st_uid != geteuid() {
                "belongs to user \(information.st_uid)"
            } else if information.st_mode & 0o777 != 0o700 {
                "has mode \(String(information.st_mode & 0o777, radix: 8)) and must have 700"
            } else {
                nil
            }
        guard let fault else { return }
        throw Failure(description: "\(directory) \(fault); no socket in it is safe", hint: advice)
    }
}
