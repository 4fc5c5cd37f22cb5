import Testing
import TimeCoinControl

@Suite("JSON")
struct JSONTests {
    @Test(
        "what RFC 8259 refuses is refused",
        arguments: [
            "", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "01", "1.", ".5", "+1", "[1 2]", "nul",
            "\"\\ud800\"",
            "\"\\u12\"", "\"a", "{\"a\"}", "[", "]", "1 2", "'a'", "NaN", "\"\u{1}\"", "-", "1e", "{a:1}",
        ])
    func refuses(text: String) {
        #expect(throws: JSONFailure.self) { try JSONValue(parsing: Array(text.utf8)) }
    }

    @Test("number tokens keep their characters and objects their order")
    func keepsTokens() throws {
        let text = "{\"b\":1.10000000000000000001,\"a\":[true,null,-0e1,\"\\u00e9\\ud83d\\ude00\"]}"
        let value = try JSONValue(parsing: Array(text.utf8))
        #expect(value["b"] == .number("1.10000000000000000001"))
        #expect(value.compact == "{\"b\":1.10000000000000000001,\"a\":[true,null,-0e1,\"é😀\"]}")
        #expect(try JSONValue(parsing: Array(value.pretty.utf8)) == value)
    }

    @Test("N3: a million brackets are refused without trouble")
    func depth() {
        let bytes = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(throws: JSONFailure.self) { try JSONValue(parsing: bytes) }
        #expect(throws: JSONFailure.self) { try JSONValue(parsing: [0x22, 0xff, 0x22]) }
    }

    @Test("every error has its exit status")
    func exitCodes() {
        #expect(RPCError(.unknownMethod, "", "").exitCode == .usage)
        #expect(RPCError(.unlockNeeded, "", "").exitCode == .permission)
        #expect(RPCError(.rejected, "", "").exitCode == .refused)
        #expect(RPCError(.warmingUp, "", "").exitCode == .temporary)
        #expect(
            RPCError(json: RPCError(.rejected, "dust", "m", hint: "h").json)
                == RPCError(.rejected, "dust", "m", hint: "h"))
    }

    @Test("names of methods are unique, and a socket's path is never too long")
    func tables() {
        #expect(Set(RPCMethod.all.map(\.name)).count == RPCMethod.all.count)
        let deep = SocketPath.forListening(networkDirectory: "/" + String(repeating: "deep/", count: 40))
        #expect(deep.path.utf8.count <= SocketPath.bytesMax)
        #expect(deep.pointer != nil)
    }
}
