/// The forms of locking scripts that wallets make and recognise.
public enum StandardScript: Hashable, Sendable {
    /// DUP HASH160 <20> EQUALVERIFY CHECKSIG
    case keyHash(KeyHash)
    /// HASH256 <32> EQUAL, run as in BIP 16
    case scriptHash(Hash256)
    /// m <key>… n CHECKMULTISIG with 1 ≤ m ≤ n ≤ 16
    case multisignature(required: Int, keys: [PublicKey])
    /// RETURN and one push, the payload behind its shortest length
    case dataCarrier(payload: [UInt8])
    /// Any other script
    case other

    /// Classifies by form alone; it says nothing about whether anybody can spend.
    public init(_ script: Script) {
        if let hash = script.keyHash {
            self = .keyHash(hash)
        } else if let hash = script.scriptHash {
            self = .scriptHash(hash)
        } else {
            self = StandardScript.dataCarrier(script) ?? StandardScript.multisignature(script.bytes) ?? .other
        }
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

    private static func dataCarrier(_ script: Script) -> StandardScript? {
        var reader = ScriptReader(script)
        guard script.isDataCarrier, reader.next() != nil, case .success(let element)? = reader.next(),
            element.opcode <= Opcode.pushData4.rawValue, element.push.count <= Script.pushBytesMax,
            reader.next() == nil
        else { return nil }
        // One item has one standard form, so building it again must give the same bytes.
        let payload = Array(reader.data(of: element))
        return Script.dataCarrier(payload) == script ? .dataCarrier(payload: payload) : nil
    }

    private static func multisignature(_ bytes: [UInt8]) -> StandardScript? {
        let keyWidth = 1 + PublicKey.byteCount
        guard bytes.count >= 3, bytes.last == Opcode.checkMultisignature.rawValue,
            (bytes.count - 3).isMultiple(of: keyWidth)
        else { return nil }
        let numberOffset = Int(Opcode.number1.rawValue) - 1
        let count = (bytes.count - 3) / keyWidth
        let required = Int(bytes[0]) - numberOffset
        guard (1...Script.standardKeysMax).contains(count), (1...count).contains(required),
            Int(bytes[bytes.count - 2]) - numberOffset == count
        else { return nil }
        var keys: [PublicKey] = []
        for start in stride(from: 1, to: 1 + count * keyWidth, by: keyWidth) {
            guard Int(bytes[start]) == PublicKey.byteCount,
                let key = PublicKey(bytes[start + 1..<start + keyWidth])
            else { return nil }
            keys.append(key)
        }
        return .multisignature(required: required, keys: keys)
    }
}

extension Script {
    /// What it pays to, if it is exactly the key-hash form.
    var keyHash: KeyHash? {
        guard bytes.count == 25, bytes[..<3] == [0x76, 0xa9, 20], bytes[23...] == [0x88, 0xac] else {
            return nil
        }
        return KeyHash(bytes[3..<23])
    }

    /// What it pays to, if it is exactly the script-hash form; the interpreter goes by it too.
    var scriptHash: Hash256? {
        guard bytes.count == 35, bytes[0] == 0xaa, bytes[1] == 32, bytes[34] == 0x87 else { return nil }
        return Hash256(bytes[2..<34])
    }
}
