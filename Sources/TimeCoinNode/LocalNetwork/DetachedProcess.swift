import Foundation
import TimeCoinControl

/// Programs that go on when this one ends.
enum DetachedProcess {
    /// What the system says of a process.
    enum State: Equatable {
        /// Nothing of it is left: its files, locks and ports are free. Whether its parent has asked for its
        /// end does not matter.
        case gone
        /// It has no memory any more, and may still hold files; or it was only just started and has no
        /// memory yet.
        case ending
        /// It runs, with these arguments.
        case running([String])
    }

    /// glibc's `POSIX_SPAWN_SETSID`, which its header hides from Swift.
    private static let newSessionFlag: Int16 = 0x80

    /// Starts a program in a session of its own, with its output appended to a file.
    static func start(_ arguments: [String], log: String) throws(LocalNetwork.Failure) -> Int32 {
        keepDescriptors()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, newSessionFlag)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        defer {
            for word in words { free(word) }
        }
        words.append(nil)
        var pid: pid_t = 0
        let result = posix_spawn(&pid, arguments[0], &actions, &attributes, words, environ)
        guard result == 0 else {
            throw LocalNetwork.Failure(
                .ioError, "cannot start \(arguments[0]): \(String(cString: strerror(result)))")
        }
        return pid
    }

    /// Keeps every descriptor beyond the standard ones to this process. One that the caller left open and
    /// that lived on in a node would have the caller wait for the node's end.
    private static func keepDescriptors() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for descriptor in names.compactMap({ Int32($0) }) where descriptor > 2 {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    static func state(_ pid: Int32) -> State {
        guard let stat = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return .gone }
        // The name, in parentheses, may hold anything; the state is the letter after it.
        let text = String(decoding: stat, as: UTF8.self)
        let letter = text.lastIndex(of: ")").flatMap { text[$0...].dropFirst(2).first }
        if letter == "Z" || letter == "X" {
            // The first thread may have ended while others still hold the files.
            let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
            return threads.count <= 1 ? .gone : .ending
        }
        let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
        guard !line.isEmpty else { return .ending }
        return .running(line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
    }

    /// Whether the process is the node of this directory, and not another that got its number.
    static func isNode(_ pid: Int32, dataDirectory: String) -> Bool {
        guard case .running(let arguments) = state(pid), arguments.dropFirst().first == "run",
            let option = arguments.firstIndex(of: "--datadir"), option + 1 < arguments.count
        else { return false }
        return arguments[option + 1] == dataDirectory
    }

    /// The node of this directory, whoever started it.
    static func node(dataDirectory: String) -> Int32? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.first { isNode($0, dataDirectory: dataDirectory) }
    }

    /// Waits until nothing is left of these processes.
    ///
    /// - Parameter patience: seconds.
    /// - Returns: those that are still there.
    static func awaitEnd(of pids: [Int32], dataDirectories: [String], patience: Double) -> [Int32] {
        let end = Date().addingTimeInterval(patience)
        var left = pids
        while true {
            reap()
            left = left.filter { pid in
                switch state(pid) {
                case .gone: false
                case .ending: true
                case .running: dataDirectories.contains { isNode(pid, dataDirectory: $0) }
                }
            }
            guard !left.isEmpty, Date() < end else { return left }
            usleep(10_000)
        }
    }

    /// Takes notice of own children that have ended.
    static func reap() {
        while waitpid(-1, nil, WNOHANG) > 0 {}
    }
}
