#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Memory maps and locks do not hold across machines, so a store refuses to lie on a network file system.
enum NetworkFileSystem {
    static let types: Set<String> = [
        "9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse.glusterfs", "fuse.sshfs", "gfs2", "lustre",
        "ncpfs", "nfs",
        "nfs4", "ocfs2", "smb3", "smbfs",
    ]
    /// Bytes of the table of mounts that are read, at most.
    private static let mountBytesMax = 4 << 20

    /// - Throws: `networkFileSystem`. A system without a readable table of mounts refuses nothing.
    static func refuse(_ directory: String) throws(StoreFailure) {
        guard let type = type(of: directory), types.contains(type) else { return }
        throw StoreFailure(
            .networkFileSystem, "\(directory) is on a network file system (\(type)); choose a local disk")
    }

    private static func type(of directory: String) -> String? {
        guard let resolved = realpath(directory, nil) else { return nil }
        defer { free(resolved) }
        let files = PosixFileSystem()
        // The size of files under /proc is unknown until they are read.
        guard let mounts = try? files.read("/proc/self/mountinfo", from: 0, count: mountBytesMax) else {
            return nil
        }
        return type(of: String(cString: resolved), mounts: String(decoding: mounts, as: UTF8.self))
    }

    /// The type of the file system that a path lies on, by the table that `proc(5)` describes under
    /// `mountinfo`.
    static func type(of path: String, mounts: String) -> String? {
        var best: (depth: Int, type: String)?
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 4, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else {
                continue
            }
            let mount = fields[4].replacing("\\040", with: " ")
            let prefix = mount.hasSuffix("/") ? mount : mount + "/"
            guard path == mount || path.hasPrefix(prefix) else { continue }
            // Of two on the same place the later one is on top.
            if prefix.utf8.count >= best?.depth ?? 0 { best = (prefix.utf8.count, String(fields[dash + 1])) }
        }
        return best?.type
    }
}
