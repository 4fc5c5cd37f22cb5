import Foundation
import TimeCoinControl
import TimeCoinCore

/// A sealed secret in a file that only its owner may read.
enum KeyFile {
    private static let bytesMax = 1 << 24

    /// Writes a new key; never over an existing one.
    static func create(_ path: String, secret: [UInt8], purpose: String, passphrase: [UInt8])
        throws(KeyFailure)
    {
        guard !FileManager.default.fileExists(atPath: path) else { throw .exists(path) }
        let seal = try SecretSeal(sealing: secret, purpose: purpose, passphrase: passphrase)
        try write(seal.json, to: path)
    }

    static func secret(_ path: String, purpose: String, passphrase: [UInt8]) throws(KeyFailure) -> [UInt8] {
        let seal = try SecretSeal(json: try read(path))
        guard seal.purpose == purpose else { throw .malformed }
        return try seal.open(passphrase: passphrase)
    }

    /// Replaces a file at once: the old one or the new one is there, whole.
    static func write(_ json: JSONValue, to path: String) throws(KeyFailure) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else {
            throw .io("cannot write \(temporary): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let bytes = Array((json.pretty + "\n").utf8)
        guard Foundation.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0,
            rename(temporary, path) == 0
        else { throw .io("cannot write \(path): \(String(cString: strerror(errno)))") }
        let directory = open((path as NSString).deletingLastPathComponent, O_RDONLY)
        guard directory >= 0 else { return }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw .io("cannot sync the directory of \(path)") }
    }

    static func read(_ path: String) throws(KeyFailure) -> JSONValue {
        // The attributes of a link are not those of the file.
        let file = (path as NSString).resolvingSymlinksInPath
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: file),
            let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue,
            let size = (attributes[.size] as? NSNumber)?.intValue
        else { throw .missing(path) }
        guard mode & 0o077 == 0 else { throw .openToOthers(path) }
        guard size <= bytesMax, let data = FileManager.default.contents(atPath: path),
            let json = try? JSONValue(parsing: Array(data))
        else { throw .malformed }
        return json
    }
}
