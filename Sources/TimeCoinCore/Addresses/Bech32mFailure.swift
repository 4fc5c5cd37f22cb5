/// Why text is not bech32m.
public enum Bech32mFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Capitals and small letters in one string.
    case mixedCase
    /// A character that cannot occur, by its offset in UTF-8 bytes.
    case badCharacter(position: Int)
    /// No `1`, or nothing before it.
    case noPrefix
    /// More than ``Bech32m/charactersMax`` characters.
    case tooLong
    /// No room for a checksum behind the prefix.
    case tooShort
    /// The checksum is another; old bech32 ends here too.
    case badChecksum
    /// The bits left over after the last whole byte are five or more, or not zero.
    case badPadding

    /// What is wrong, for people.
    public var description: String {
        switch self {
        case .mixedCase: "capitals and small letters are mixed"
        case .badCharacter(let position): "character \(position + 1) cannot occur there"
        case .noPrefix: "there is no prefix followed by 1"
        case .tooLong: "there are more than \(Bech32m.charactersMax) characters"
        case .tooShort: "characters are missing at the end"
        case .badChecksum: "the checksum is wrong: a character was mistyped or left out"
        case .badPadding: "the last character does not end a byte"
        }
    }
}
