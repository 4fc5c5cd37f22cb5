import Logging
import Testing
import TimeCoinControl
import TimeCoinCore

@testable import TimeCoinNode

@Suite("Structured log")
struct JSONLogHandlerTests {
    @Test("a line is one JSON object whatever stands in the values")
    func oneObject() throws {
        let line = JSONLogHandler.line(
            at: Timestamp(milliseconds: 5), level: .warning, label: "timecoin", source: "TimeCoinNet",
            message: "two\nlines \"quoted\"", fields: ["peer": "a\u{1}\n", "height": "7"])
        #expect(!line.contains("\n"))
        let json = try JSONValue(parsing: Array(line.utf8))
        #expect(json["time"]?.integer == 5)
        #expect(json["level"]?.string == "warning")
        #expect(json["message"]?.string == "two\nlines \"quoted\"")
        #expect(json["fields"]?["peer"]?.string == "a\u{1}\n")
        #expect(json["fields"]?["height"]?.string == "7")
    }
}
