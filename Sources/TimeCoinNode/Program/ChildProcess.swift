import Foundation
import TimeCoinStore

/// A program that runs beside this one, to its end.
enum ChildProcess {
    /// What the system sends to a process for what it did itself; any other signal comes from outside.
    static let crashSignals: Set<Int32> = [SIGSEGV, SIGBUS, SIGILL, SIGABRT, SIGFPE, SIGTRAP]

    /// How a program ended.
    enum Ending: Hashable {
        /// By itself, with a status.
        case status(Int32)
        case signal(Int32)

        /// Of `waitpid`.
        fileprivate init(_ word: Int32) {
            // The low seven bits hold the signal, 0 after an exit; the status is in the byte above.
            let signal = word & 0x7f
            self = signal == 0 ? .status((word >> 8) & 0xff) : .signal(signal)
        }
    }

    /// - Parameter arguments: the program's path first. It shares the standard streams of this process.
    static func run(_ arguments: [String]) throws(StoreFailure) -> Ending {
        let inherited = ProcessInfo.processInfo.environment.filter { $0.key != "SWIFT_BACKTRACE" }
        // Its crash is expected and told by its parent: nobody wants a trace of it.
        let settings = inherited.map { "\($0.key)=\($0.value)" } + ["SWIFT_BACKTRACE=enable=no"]
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        var environment: [UnsafeMutablePointer<CChar>?] = settings.map { strdup($0) }
        defer {
            for word in words + environment { free(word) }
        }
        words.append(nil)
        environment.append(nil)
        // Threads of this process may have signals blocked or ignored, which a child would inherit.
        var attributes = posix_spawnattr_t()
        var signals = sigset_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var pid: pid_t = 0
        let started = posix_spawn(&pid, arguments.first ?? "", nil, &attributes, words, environment)
        guard started == 0 else {
            throw StoreFailure(
                .io, "cannot start \(arguments.first ?? "a program"): \(String(cString: strerror(started)))")
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else {
                throw StoreFailure(.io, "cannot wait for a program: \(String(cString: strerror(errno)))")
            }
        }
        return Ending(status)
    }
}
