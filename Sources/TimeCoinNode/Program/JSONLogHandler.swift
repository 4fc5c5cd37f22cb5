public import Logging
import TimeCoinControl
import TimeCoinCore

/// One JSON object a line on standard error, for programs that collect logs: `time` (milliseconds of the Unix
/// epoch), `level`, `label`, `source`, `message`, and the metadata below `fields`.
public struct JSONLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level = .info
    private let label: String

    public init(label: String) {
        self.label = label
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { _, event in event }
        StandardStreams.note(
            JSONLogHandler.line(
                at: NodeClock.system.moment.clock, level: event.level, label: label, source: event.source,
                message: "\(event.message)", fields: fields))
    }

    static func line(
        at time: Timestamp, level: Logger.Level, label: String, source: String, message: String,
        fields: Logger.Metadata
    ) -> String {
        JSONValue.object([
            "time": .integer(time.milliseconds), "level": .string(level.rawValue), "label": .string(label),
            "source": .string(source), "message": .string(message),
            "fields": .object(
                fields.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string("\($0.value)")) }),
        ]).compact
    }
}
