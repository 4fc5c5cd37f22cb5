import Testing

@testable import TimeCoinCore

@Suite("Standard forms")
struct StandardFormTests {
    private let context = SigningContext()

    private func signature(_ number: UInt8) throws -> (signature: Signature, type: SignatureHashType) {
        (try signingKey(number).sign(context.message), .all)
    }

    private func bytes(_ number: UInt8) throws -> [UInt8] {
        try signature(number).signature.bytes + [SignatureHashType.all.byte]
    }

    @Test("a key-hash output opens for its key and for nothing else")
    func keyHash() throws {
        let key = try signingKey(1)
        let locking = Script.keyHash(of: key.publicKey)
        #expect(locking.bytes.count == 25)
        #expect(StandardScript(locking) == .keyHash(KeyHash(of: key.publicKey)))
        let good = Script.unlockKeyHash(signature: try signature(1).signature, type: .all, key: key.publicKey)
        #expect(rejection(good, locking) == nil)
        let otherKey = Script.unlockKeyHash(
            signature: try signature(2).signature, type: .all, key: try signingKey(2).publicKey)
        #expect(rejection(otherKey, locking) == .equalVerify)
        let otherSignature = Script.unlockKeyHash(
            signature: try signature(2).signature, type: .all, key: key.publicKey)
        #expect(rejection(otherSignature, locking) == .nullFail)
        #expect(rejection(otherSignature, locking, flags: []) == .evalFalse)
        let empty = try #require(Script.pushes([[], key.publicKey.bytes]))
        #expect(rejection(empty, locking) == .evalFalse)
        #expect(rejection(.empty, locking) == .invalidStackOperation)
        #expect(rejection(Script([0x51] + good.bytes), locking) == .cleanStack)
        #expect(rejection(Script(good.bytes + [Opcode.noOperation.rawValue]), locking) == .pushOnly)
        #expect(rejection(good, locking, context: SigningContext(message: [7])) == .nullFail)
    }

    @Test("a signature with another type byte, or without one, is a failed check")
    func typeByte() throws {
        let key = try signingKey(1).publicKey.bytes
        let locking = try ScriptText.assemble("0x20 0x\(Hexadecimal.encode(key)) CHECKSIG")
        for changed in [
            Array(try bytes(1).dropLast()), try bytes(1) + [1], Array(try bytes(1).dropLast()) + [9],
        ] {
            #expect(rejection(try #require(Script.pushes([changed])), locking) == .nullFail)
        }
        #expect(rejection(try #require(Script.pushes([try bytes(1)])), locking) == nil)
    }

    @Test(
        "a check is only asked for with 32 and 65 bytes", arguments: [31, 32, 33],
        [0, 1, 63, 64, 65, 66, 520])
    func lengths(keyCount: Int, signatureCount: Int) throws {
        let signature = [UInt8](repeating: 3, count: signatureCount)
        let key = [UInt8](repeating: 2, count: keyCount)
        let isAsked = keyCount == 32 && signatureCount == 65
        let single = try #require(Script.pushes([signature, key]))
        let several = try #require(Script.pushes([signature, [1], key, [1]]))
        let scripts = [
            Script(single.bytes + [Opcode.checkSignature.rawValue]),
            Script(several.bytes + [Opcode.checkMultisignature.rawValue]),
        ]
        for script in scripts {
            let result = rejection(.empty, script, flags: [], context: ConstantContext(answer: true))
            #expect(result == (isAsked ? nil : .evalFalse))
            let strict = rejection(.empty, script, context: ConstantContext(answer: true))
            #expect(strict == (isAsked ? nil : signatureCount == 0 ? .evalFalse : .nullFail))
        }
    }

    @Test("m of n opens for every choice of m keys in order", arguments: [1, 2, 3], [3, 4])
    func multisignature(required: Int, count: Int) throws {
        let numbers = Array(UInt8(1)...UInt8(count))
        let keys = try numbers.map { try signingKey($0).publicKey }
        let locking = try #require(Script.multisignature(required: required, keys: keys))
        #expect(StandardScript(locking) == .multisignature(required: required, keys: keys))
        for choice in 0..<(1 << count) {
            let chosen = numbers.enumerated().filter { choice >> $0.offset & 1 == 1 }.map(\.element)
            let unlocking = Script.unlockMultisignature(try chosen.map(signature))
            let result = rejection(unlocking, locking)
            if chosen.count == required {
                #expect(result == nil, "\(chosen)")
            } else {
                #expect(result != nil, "\(chosen)")
            }
            guard chosen.count == required, required > 1 else { continue }
            let reversed = Script.unlockMultisignature(try chosen.reversed().map(signature))
            #expect(rejection(reversed, locking) == .nullFail, "\(chosen)")
        }
        // There is no dummy item: what Bitcoin needs below the signatures is one item too many here.
        let withDummy = Script(
            [0] + Script.unlockMultisignature(try numbers.prefix(required).map(signature)).bytes)
        #expect(rejection(withDummy, locking) == .cleanStack)
        let empty = try #require(Script.pushes([[UInt8]](repeating: [], count: required)))
        #expect(rejection(empty, locking) == .evalFalse)
    }

    @Test("a script-hash output runs the script that was pushed last")
    func scriptHash() throws {
        let keys = try [1, 2, 3].map { try signingKey($0).publicKey }
        let redeem = try #require(Script.multisignature(required: 2, keys: keys))
        let locking = try #require(Script.scriptHash(of: redeem))
        #expect(StandardScript(locking) == .scriptHash(Blake2b.hash256(.scriptHash256, redeem.bytes)))
        let signatures = Script.unlockMultisignature([try signature(1), try signature(3)])
        let good = try #require(Script.unlockScriptHash(redeem: redeem, satisfying: signatures))
        #expect(rejection(good, locking) == nil)
        let one = Script.unlockMultisignature([try signature(1)])
        #expect(
            rejection(try #require(Script.unlockScriptHash(redeem: redeem, satisfying: one)), locking)
                == .invalidStackOperation)
        let other = try #require(Script.multisignature(required: 1, keys: keys))
        #expect(
            rejection(try #require(Script.unlockScriptHash(redeem: other, satisfying: one)), locking)
                == .evalFalse)
        // Without the rule the hash alone is enough, which is why the rule is on from the first block.
        let bare = try #require(Script.unlockScriptHash(redeem: redeem, satisfying: .empty))
        #expect(rejection(bare, locking, flags: []) == nil)
        #expect(rejection(bare, locking) == .invalidStackOperation)
        #expect(rejection(.empty, locking) == .invalidStackOperation)
    }

    @Test("the redeem script must be pushed, also where other unlocking scripts may compute")
    func scriptHashPushOnly() throws {
        let locking = try #require(Script.scriptHash(of: Script([0x51])))
        let computed = try ScriptText.assemble("0x01 0x51 NOP")
        #expect(rejection(computed, locking, flags: [.scriptHash]) == .pushOnly)
        #expect(rejection(computed, locking, flags: []) == nil)
        // The form is exact: the same script in another form is no script hash.
        let longer = Script([Opcode.noOperation.rawValue] + locking.bytes)
        #expect(rejection(computed, longer, flags: [.scriptHash]) == nil)
    }

    @Test("a data carrier can never be spent")
    func dataCarrier() throws {
        for payload in [[], [5], [0x81], Array("a message".utf8), [UInt8](repeating: 1, count: 520)] {
            let script = try #require(Script.dataCarrier(payload))
            #expect(script.isDataCarrier)
            #expect(StandardScript(script) == .dataCarrier(payload: payload))
            #expect(rejection(Script([0x51]), script) == .opReturn)
        }
        #expect(Script.dataCarrier([UInt8](repeating: 1, count: 521)) == nil)
        #expect(!Script.empty.isDataCarrier)
        #expect(!Script([0x51, Opcode.return.rawValue]).isDataCarrier)
        #expect(StandardScript(Script([Opcode.return.rawValue])) == .other)
        #expect(StandardScript(Script([Opcode.return.rawValue, 0x4c, 1, 7])) == .other)
    }

    @Test("what cannot be built is refused when it is built")
    func refusals() throws {
        let key = try signingKey(1).publicKey
        #expect(Script.multisignature(required: 0, keys: [key]) == nil)
        #expect(Script.multisignature(required: 2, keys: [key]) == nil)
        #expect(Script.multisignature(required: 1, keys: []) == nil)
        #expect(Script.multisignature(required: 1, keys: Array(repeating: key, count: 16)) != nil)
        #expect(Script.multisignature(required: 1, keys: Array(repeating: key, count: 17)) == nil)
        #expect(Script.scriptHash(of: Script([UInt8](repeating: 0x51, count: 521))) == nil)
        #expect(Script.scriptHash(of: Script([UInt8](repeating: 0x51, count: 520))) != nil)
        #expect(Script.unlockScriptHash(redeem: Script([0x51]), satisfying: Script([0x61])) == nil)
        #expect(Script.pushes([[UInt8](repeating: 1, count: 521)]) == nil)
        #expect(KeyHash([UInt8](repeating: 1, count: 19)) == nil)
    }

    @Test("a form with one byte changed is another form or none")
    func nearForms() throws {
        let key = try signingKey(1).publicKey
        let forms = [
            Script.keyHash(of: key), Script.scriptHash(.zero),
            try #require(Script.multisignature(required: 1, keys: [key, key])),
        ]
        let impossible = Script([0x53] + forms[2].bytes.dropFirst())
        #expect(StandardScript(impossible) == .other, "three of two keys")
        for form in forms {
            #expect(StandardScript(form) != .other)
            #expect(StandardScript(Script(Array(form.bytes.dropLast()))) == .other)
            #expect(StandardScript(Script(form.bytes + [0x61])) == .other)
            for index in form.bytes.indices {
                var bytes = form.bytes
                bytes[index] ^= 0x04
                #expect(StandardScript(Script(bytes)) != StandardScript(form), "byte \(index)")
            }
        }
    }
}
