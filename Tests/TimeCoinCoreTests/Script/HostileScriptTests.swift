import Testing

@testable import TimeCoinCore

@Suite("Hostile scripts")
struct HostileScriptTests {
    private static let seed: UInt64 = 20_261_121

    /// Mostly operations and short pushes, so that scripts live long enough to reach something.
    private func randomScript(_ generator: inout SeededGenerator) -> Script {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0...60, using: &generator) {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<4: bytes.append(UInt8.random(in: 0x4f...0x60, using: &generator))
            case 4:
                let count = UInt8.random(in: 0...5, using: &generator)
                bytes.append(count)
                for _ in 0..<count { bytes.append(.random(in: 0...255, using: &generator)) }
            case 5..<9: bytes.append(UInt8.random(in: 0x61...0xb9, using: &generator))
            default: bytes.append(.random(in: 0...255, using: &generator))
            }
        }
        return Script(bytes)
    }

    @Test("any bytes end in an answer, the same each time and within the budget")
    func anyBytes() throws {
        var generator = SeededGenerator(seed: Self.seed)
        var reasons: Set<String> = []
        for round in 0..<20_000 {
            let unlocking = randomScript(&generator)
            let locking = randomScript(&generator)
            let flags = ScriptFlags(rawValue: .random(in: 0...255, using: &generator))
            let context = ConstantContext(answer: Bool.random(using: &generator))
            var first = ScriptBudget(hashedBytesLimit: 100, signatureChecksLimit: 5)
            var second = first
            let answer = rejection(unlocking, locking, flags: flags, context: context, budget: &first)
            let again = rejection(unlocking, locking, flags: flags, context: context, budget: &second)
            #expect(answer == again && first == second, "seed \(Self.seed), round \(round)")
            #expect(
                first.hashedBytes <= 100 && first.signatureChecks <= 5, "seed \(Self.seed), round \(round)")
            reasons.insert(answer?.rawValue ?? "OK")
        }
        // The generator is worth something only if it gets behind the first checks.
        let reached = [
            "OK", "EVAL_FALSE", "BAD_OPCODE", "DISABLED_OPCODE", "UNBALANCED_CONDITIONAL", "SCRIPTNUM",
        ]
        #expect(reasons.isSuperset(of: reached), "seed \(Self.seed): \(reasons.sorted())")
    }

    @Test("text and bytes of any script say the same")
    func textOfAnyBytes() throws {
        var generator = SeededGenerator(seed: Self.seed)
        for round in 0..<5000 {
            let script = randomScript(&generator)
            #expect(
                try ScriptText.assemble(ScriptText.disassemble(script)) == script,
                "seed \(Self.seed), round \(round): \(Hexadecimal.encode(script.bytes))")
        }
    }

    @Test("a standard form is what its builder makes, whatever the bytes")
    func classificationOfAnyBytes() throws {
        var generator = SeededGenerator(seed: Self.seed)
        for round in 0..<5000 {
            let script = randomScript(&generator)
            let built: Script? =
                switch StandardScript(script) {
                case .keyHash(let hash): Script.keyHash(hash)
                case .scriptHash(let hash): Script.scriptHash(hash)
                case .multisignature(let required, let keys):
                    Script.multisignature(required: required, keys: keys)
                case .dataCarrier(let payload): Script.dataCarrier(payload)
                case .other: script
                }
            #expect(built == script, "seed \(Self.seed), round \(round)")
        }
    }

    @Test("pushes that claim more than is there are refused, also for 4 GiB")
    func truncatedPushes() throws {
        let claims: [[UInt8]] = [
            [0x01], [0x4b, 1, 2], [0x4c], [0x4c, 5, 1], [0x4d], [0x4d, 1], [0x4d, 0xff, 0xff, 1], [0x4e],
            [0x4e, 1, 0, 0], [0x4e, 0xff, 0xff, 0xff, 0xff], [0x4e, 0xff, 0xff, 0xff, 0x7f, 1],
        ]
        for claim in claims {
            #expect(rejection(.empty, Script(claim)) == .badOpcode)
            #expect(rejection(Script(claim), Script([0x51]), flags: []) == .badOpcode)
            #expect(rejection(.empty, Script([0x00, 0x63] + claim)) == .badOpcode)
            #expect(!Script(claim).isPushOnly)
            #expect(try ScriptText.assemble(ScriptText.disassemble(Script(claim))) == Script(claim))
        }
    }

    @Test("conditions nest, and only within one script")
    func conditions() throws {
        let open = Array(repeating: "1 IF", count: 100).joined(separator: " ")
        let close = Array(repeating: "ENDIF", count: 100).joined(separator: " ")
        #expect(try rejection("", "\(open) 1 \(close)") == nil)
        #expect(try rejection("", "\(open) 1 \(close) ENDIF") == .unbalancedConditional)
        #expect(try rejection("", "\(open) 1") == .unbalancedConditional)
        #expect(try rejection("1 IF 1", "ENDIF", flags: []) == .unbalancedConditional)
        #expect(try rejection("", "0 IF 1 IF RETURN ELSE RETURN ENDIF RETURN ELSE 1 ENDIF") == nil)
        #expect(try rejection("", "1 IF 1 ELSE RETURN ELSE ENDIF") == nil)
        #expect(try rejection("", "0 NOTIF 1 ENDIF") == nil)
        #expect(try rejection("", "IF 1 ENDIF") == .invalidStackOperation)
        #expect(try rejection("", "ELSE 1 ENDIF") == .unbalancedConditional)
    }

    @Test("SHA256 is itself, HASH160 and HASH256 are BLAKE2b under their own domains")
    func hashes() throws {
        let abc = Array("abc".utf8)
        let sha = "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(try rejection("", "'abc' SHA256 0x20 \(sha) EQUAL") == nil)
        let short = Hexadecimal.encode(Blake2b.hash160(.scriptHash160, abc))
        #expect(try rejection("", "'abc' HASH160 0x14 0x\(short) EQUAL") == nil)
        let long = Blake2b.hash256(.scriptHash256, abc)
        #expect(try rejection("", "'abc' HASH256 0x20 0x\(long) EQUAL") == nil)
    }
}
