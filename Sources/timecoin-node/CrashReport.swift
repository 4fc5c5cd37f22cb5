import Foundation

/// What a command says when a damaged page crashes the database engine in this process: the engine cannot
/// report it.
///
/// Swift's own traps are other signals: a defect of this program is not told as damage.
enum CrashReport {
    private static let signals = [SIGSEGV, SIGBUS, SIGABRT, SIGFPE]

    /// From now on such a crash ends the program with 74 and says what to do. Nothing is cleaned up: what is
    /// left is what a killed command leaves.
    static func install(asJSON: Bool) {
        for number in signals { _ = signal(number, asJSON ? endAsJSON : endAsText) }
    }

    // A handler may do nothing but write bytes that are there already, and end.

    private static let endAsText: @convention(c) (Int32) -> Void = { _ in
        let text: StaticString = """
            error: a damaged page ended the database engine; which one is not known
            hint: `timecoin-node db verify` with the same --datadir and --network says what is damaged \
            and what to do; if it finds nothing, the backup that was handed in is damaged: take another

            """
        _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
        _exit(74)
    }

    private static let endAsJSON: @convention(c) (Int32) -> Void = { _ in
        let text: StaticString = """
            {"code":74,"reason":"damaged","message":"a damaged page ended the database engine; which one is \
            not known","hint":"`timecoin-node db verify` with the same --datadir and --network says what is \
            damaged and what to do; if it finds nothing, the backup that was handed in is damaged: take \
            another"}

            """
        _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
        _exit(74)
    }
}
