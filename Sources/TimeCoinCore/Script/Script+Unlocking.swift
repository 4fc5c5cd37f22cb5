extension Script {
    /// Pushes each item in its shortest form; `nil` when one is above ``pushBytesMax`` bytes.
    public static func pushes(_ items: [[UInt8]]) -> Script? {
        guard items.allSatisfy({ $0.count <= pushBytesMax }) else { return nil }
        return Script(items.flatMap(shortestPush))
    }

    /// Unlocks a key-hash output.
    public static func unlockKeyHash(
        signature: Signature, type: SignatureHashType, key: PublicKey
    ) -> Script {
        Script(shortestPush(signature.bytes + [type.byte]) + shortestPush(key.bytes))
    }

    /// Unlocks a multisignature output: as many signatures as it requires, in the order of its keys.
    public static func unlockMultisignature(
        _ signatures: [(signature: Signature, type: SignatureHashType)]
    ) -> Script {
        Script(signatures.flatMap { shortestPush($0.signature.bytes + [$0.type.byte]) })
    }

    /// Unlocks a script-hash output: what satisfies the redeem script, then the redeem script itself. `nil`
    /// when that is above ``pushBytesMax`` bytes, or when `satisfying` does more than push.
    public static func unlockScriptHash(redeem: Script, satisfying: Script) -> Script? {
        guard redeem.bytes.count <= pushBytesMax, satisfying.isPushOnly else { return nil }
        return Script(satisfying.bytes + shortestPush(redeem.bytes))
    }

    private static func shortestPush(_ item: [UInt8]) -> [UInt8] {
        if item.count == 1 {
            if (1...16).contains(item[0]) { return [Opcode.number1.rawValue - 1 + item[0]] }
            if item[0] == 0x81 { return [Opcode.negative1.rawValue] }
        }
        return pushHeader(item.count) + item
    }
}
