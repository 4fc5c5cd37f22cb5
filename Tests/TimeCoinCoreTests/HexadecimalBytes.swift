import Testing

@testable import TimeCoinCore

/// The bytes that digits in a test stand for; a test that needs bytes fails without them.
func bytes(hex text: String?) throws -> [UInt8] {
    let text = try #require(text)
    return try #require(Hexadecimal.decode(text))
}
