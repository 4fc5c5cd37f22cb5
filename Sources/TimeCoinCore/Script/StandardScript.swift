/// The forms of locking scripts that wallets make and recognise.
public enum StandardScript: Hashable, Sendable {
    /// DUP HASH160 <20> EQUALVERIFY CHECKSIG
    case keyHash([UInt8])
    /// HASH256 <32> EQUAL
    case scriptHash([UInt8])
    /// m <key>… n CHECKMULTISIG
    case multisignature(required: Int, keys: [PublicKey])
    /// RETURN and pushes
    case dataCarrier
    case other

    public init(_ script: Script) {
        let bytes = script.bytes
        if bytes.count == 25, bytes[..<3] == [0x76, 0xa9, 20], bytes[23...] == [0x88, 0xac] {
            self = .keyHash(Array(bytes[3..<23]))
        } else if bytes.count == 35, bytes[..<2] == [0xaa, 32], bytes[34] == 0x87 {
            self = .scriptHash(Array(bytes[2..<34]))
        } else if script.isDataCarrier {
            self = .dataCarrier
        } else {
            self = StandardScript.multisignature(bytes) ?? .other
        }
    }

    private static func multisignature(_ bytes: [UInt8]) -> StandardScript? {
        guard bytes.count >= 3, bytes.last == Opcode.checkMultisignature.rawValue, (bytes.count - 3) % 33 == 0
        else { return nil }
        let count = (bytes.count - 3) / 33
        let required = Int(bytes[0]) - 0x50
        guard (1...16).contains(count), Int(bytes[bytes.count - 2]) - 0x50 == count, (1...count).contains(required)
        else { return nil }
        var keys: [PublicKey] = []
        for index in 0..<count {
            let start = 1 + index * 33
            guard bytes[start] == 32, let key = PublicKey(bytes[start + 1..<start + 33]) else { return nil }
            keys.append(key)
        }
        return .multisignature(required: required, keys: keys)
    }

    /// The name in answers.
    public var name: String {
        switch self {
        case .keyHash: "keyhash"
        case .scriptHash: "scripthash"
        case .multisignature: "multisignature"
        case .dataCarrier: "datacarrier"
        case .other: "nonstandard"
        }
    }
}

extension Script {
    /// Pays to whoever signs with the key.
    public static func keyHash(of key: PublicKey) -> Script {
        keyHash(Blake2b.hash160(.scriptHash160, key.bytes))
    }

    static func keyHash(_ hash: [UInt8]) -> Script { Script([0x76, 0xa9, 20] + hash + [0x88, 0xac]) }

    /// Pays to whoever presents the script and satisfies it.
    public static func scriptHash(of script: Script) -> Script {
        scriptHash(Blake2b.hash256(.scriptHash256, script.bytes).bytes)
    }

    static func scriptHash(_ hash: [UInt8]) -> Script { Script([0xaa, 32] + hash + [0x87]) }

    /// `nil` unless `1 <= required <= keys.count <= 16`.
    public static func multisignature(required: Int, keys: [PublicKey]) -> Script? {
        guard (1...16).contains(keys.count), (1...keys.count).contains(required) else { return nil }
        var bytes = [UInt8(0x50 + required)]
        for key in keys {
            bytes.append(32)
            bytes += key.bytes
        }
        bytes += [UInt8(0x50 + keys.count), Opcode.checkMultisignature.rawValue]
        return Script(bytes)
    }

    /// Carries bytes and no money; `nil` above one push.
    public static func dataCarrier(_ payload: [UInt8]) -> Script? {
        pushes([payload]).map { Script([Opcode.return.rawValue] + $0.bytes) }
    }

    /// Pushes each item in its shortest form; `nil` when one is too long to push.
    public static func pushes(_ items: [[UInt8]]) -> Script? {
        var bytes: [UInt8] = []
        for item in items {
            guard item.count <= pushBytesMax else { return nil }
            if item.count == 1, (1...16).contains(item[0]) {
                bytes.append(0x50 + item[0])
                continue
            }
            if item == [0x81] {
                bytes.append(Opcode.negative1.rawValue)
                continue
            }
            switch item.count {
            case 0...75: bytes.append(UInt8(item.count))
            case 76...255: bytes += [Opcode.pushData1.rawValue, UInt8(item.count)]
            default: bytes += [Opcode.pushData2.rawValue, UInt8(item.count & 0xff), UInt8(item.count >> 8)]
            }
            bytes += item
        }
        return Script(bytes)
    }

    /// Unlocks a key-hash output.
    public static func unlockKeyHash(signature: Signature, type: SignatureHashType, key: PublicKey) -> Script {
        let typed = signature.bytes + [type.byte]
        return Script([UInt8(typed.count)] + typed + [UInt8(PublicKey.byteCount)] + key.bytes)
    }
}
