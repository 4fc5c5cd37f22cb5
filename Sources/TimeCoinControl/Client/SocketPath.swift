import Foundation

/// Where a node's control socket is.
///
/// The place is `<datadir>/<network>/node.sock`. Addresses of Unix sockets are short, so below a deep
/// directory the
/// socket lies in the runtime directory, and `node.sock.path` beside its usual place says where.
public enum SocketPath {
    /// Bytes of a socket's path at most.
    public static let bytesMax = 100

    /// Where a node listens. The returned pointer file, if any, is to be written with the path.
    public static func forListening(networkDirectory: String) -> (path: String, pointer: String?) {
        let usual = networkDirectory + "/node.sock"
        guard usual.utf8.count > bytesMax else { return (usual, nil) }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in usual.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        let runtime = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"] ?? "/tmp"
        return ("\(runtime)/timecoin-\(getuid())-\(String(hash, radix: 16)).sock", usual + ".path")
    }

    /// Where a client finds the node.
    public static func forConnecting(networkDirectory: String) -> String {
        let usual = networkDirectory + "/node.sock"
        guard let pointed = try? String(contentsOfFile: usual + ".path", encoding: .utf8) else {
            return usual
        }
        return pointed.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
