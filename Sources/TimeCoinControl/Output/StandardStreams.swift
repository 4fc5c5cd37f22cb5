import Foundation

/// The two streams of a program: standard output carries the result and nothing else, everything for people
/// goes to standard error.
public enum StandardStreams {
    /// Writes a line of the result at once, so that whoever reads a pipe sees it when it is there.
    ///
    /// - Returns: whether it could be written; a full disk is the usual reason why not.
    public static func result(_ line: String) -> Bool {
        write(line, to: FileHandle.standardOutput)
    }

    /// Tells people something. That it cannot be written is nobody's failure.
    public static func note(_ line: String) {
        _ = write(line, to: FileHandle.standardError)
    }

    private static func write(_ line: String, to handle: FileHandle) -> Bool {
        (try? handle.write(contentsOf: Data((line + "\n").utf8))) != nil
    }
}
