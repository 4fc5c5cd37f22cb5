extension Script {
    /// Keys of the standard multisignature form: what the operations 1 to 16 can count.
    public static let standardKeysMax = 16

    /// Pays to whoever signs with the key.
    public static func keyHash(of key: PublicKey) -> Script { keyHash(KeyHash(of: key)) }

    /// Pays to whoever signs with a key of this hash.
    public static func keyHash(_ hash: KeyHash) -> Script {
        build([.duplicate, .hash160], push: hash.bytes, [.equalVerify, .checkSignature])
    }

    /// Pays to whoever presents the script and satisfies it. `nil` above ``pushBytesMax`` bytes: nobody could
    /// push such a script, and the money would be lost.
    public static func scriptHash(of redeem: Script) -> Script? {
        guard redeem.bytes.count <= pushBytesMax else { return nil }
        return scriptHash(Blake2b.hash256(.scriptHash256, redeem.bytes))
    }

    /// Pays to whoever presents a script of this hash and satisfies it.
    public static func scriptHash(_ hash: Hash256) -> Script { build([.hash256], push: hash.bytes, [.equal]) }

    /// Pays to whoever signs with `required` of the keys. `nil` unless
    /// `1 <= required <= keys.count <= standardKeysMax`. Behind a script hash, more than 15 keys do not fit.
    public static func multisignature(required: Int, keys: [PublicKey]) -> Script? {
        guard (1...standardKeysMax).contains(keys.count), (1...keys.count).contains(required) else {
            return nil
        }
        let numberOffset = Int(Opcode.number1.rawValue) - 1
        var bytes = [UInt8(numberOffset + required)]
        for key in keys {
            bytes.append(UInt8(PublicKey.byteCount))
            bytes += key.bytes
        }
        bytes += [UInt8(numberOffset + keys.count), Opcode.checkMultisignature.rawValue]
        return Script(bytes)
    }

    /// Carries bytes and no money; `nil` above ``pushBytesMax`` bytes.
    public static func dataCarrier(_ payload: [UInt8]) -> Script? {
        guard payload.count <= pushBytesMax else { return nil }
        // One byte stays one byte here: a number in its place would be read back as an operation.
        return Script([Opcode.return.rawValue] + pushHeader(payload.count) + payload)
    }

    private static func build(_ before: [Opcode], push: [UInt8], _ after: [Opcode]) -> Script {
        Script(before.map(\.rawValue) + pushHeader(push.count) + push + after.map(\.rawValue))
    }

    /// What stands before the data of a push of at most 65,535 bytes.
    static func pushHeader(_ count: Int) -> [UInt8] {
        let low = UInt8(truncatingIfNeeded: count)
        switch count {
        case 0...75: return [low]
        case 76...255: return [Opcode.pushData1.rawValue, low]
        default: return [Opcode.pushData2.rawValue, low, UInt8(truncatingIfNeeded: count >> 8)]
        }
    }
}
