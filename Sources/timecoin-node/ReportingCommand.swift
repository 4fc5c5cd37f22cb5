import ArgumentParser

/// A command that a program can call: with `-o json` its result is an object on standard output, and the
/// reason why there is none is an object on standard error.
protocol ReportingCommand: AsyncParsableCommand {
    var output: OutputFormat { get }
}
