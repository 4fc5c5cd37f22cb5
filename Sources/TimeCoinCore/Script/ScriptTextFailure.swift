/// Why text is no script, and where.
public struct ScriptTextFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the word.
    public enum Reason: String, Hashable, Sendable {
        /// Neither a number, nor raw bytes, nor a quotation, nor the name of an operation.
        case unknownWord = "unknown word"
        /// Beyond 2³² − 1 on either side of 0.
        case numberOutOfRange = "number out of range"
        /// `0x` is not followed by pairs of hexadecimal digits.
        case badHexadecimal = "bad hexadecimal digits"
        /// A quotation that does not end within its word.
        case unterminatedQuote = "quotation without end"
        /// The text, or a quotation in it, is too long.
        case tooLong = "too long"
    }

    /// What is wrong.
    public let reason: Reason
    /// Offset of the word in UTF-8 bytes of the text.
    public let position: Int

    init(_ reason: Reason, position: Int) {
        self.reason = reason
        self.position = position
    }

    /// The reason and the place, for people.
    public var description: String { "\(reason.rawValue) at byte \(position)" }
}
