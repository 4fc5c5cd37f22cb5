import Testing

@testable import TimeCoinCore

/// Published cases are written for Bitcoin. What differs here is translated by rule, never case by case, or
/// the case does not apply.
enum BitcoinDialect {
    /// Operations that Bitcoin has and this chain has not.
    private static let missing: Set<Opcode> = [.ripemd160, .sha1, .codeSeparator]
    /// Rules about the encoding of ECDSA and about segregated witnesses have no counterpart here.
    static let flagsWithoutCounterpart: Set<String> = [
        "STRICTENC", "DERSIG", "LOW_S", "NULLDUMMY", "WITNESS", "MINIMALIF", "WITNESS_PUBKEYTYPE",
        "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM", "CONST_SCRIPTCODE", "TAPROOT",
    ]
    private static let flagsByName: [String: ScriptFlags] = [
        "P2SH": .scriptHash, "MINIMALDATA": .minimalData, "CLEANSTACK": .cleanStack, "NULLFAIL": .nullFail,
        "SIGPUSHONLY": .pushOnly, "CHECKLOCKTIMEVERIFY": .checkLockTime,
        "CHECKSEQUENCEVERIFY": .checkSequence,
        "DISCOURAGE_UPGRADABLE_NOPS": .discourageUpgradableNoOperations,
    ]

    static func flags(_ names: [String]) throws -> ScriptFlags {
        var flags: ScriptFlags = []
        for name in names where !flagsWithoutCounterpart.contains(name) {
            flags.insert(try #require(flagsByName[name], "a flag that nobody knows: \(name)"))
        }
        return flags
    }

    /// Whether a missing operation stands in the script, executed or not.
    static func usesMissingOperation(_ script: Script) -> Bool {
        var reader = ScriptReader(script)
        while case .success(let element)? = reader.next() {
            if let opcode = Opcode(rawValue: element.opcode), missing.contains(opcode) { return true }
        }
        return false
    }

    /// Bitcoin's script hash: HASH160 of 20 bytes, EQUAL.
    static func isScriptHash(_ locking: Script) -> Bool {
        locking.bytes.count == 23 && locking.bytes.starts(with: [Opcode.hash160.rawValue, 20])
            && locking.bytes.last == Opcode.equal.rawValue
    }

    /// The hash by which Bitcoin names a redeem script becomes the one by which this chain names the same
    /// script.
    static func relocked(_ unlocking: Script) -> Script? {
        var reader = ScriptReader(unlocking)
        var redeem: [UInt8]?
        while case .success(let element)? = reader.next() {
            redeem = value(of: element, in: unlocking)
        }
        return redeem.flatMap { Script.scriptHash(of: Script($0)) }
    }

    /// Bitcoin's CHECKMULTISIG takes one item more. Where that item is pushed right before, the push goes;
    /// elsewhere an operation behind takes the item.
    static func withoutDummies(_ script: Script) -> Script {
        var reader = ScriptReader(script)
        var pieces: [(bytes: [UInt8], pushed: [UInt8]?)] = []
        var start = 0
        while let next = reader.next() {
            guard case .success(let element) = next else {
                pieces.append((Array(script.bytes[start...]), nil))
                break
            }
            let bytes = Array(script.bytes[start..<reader.position])
            start = reader.position
            let opcode = Opcode(rawValue: element.opcode)
            guard opcode == .checkMultisignature || opcode == .checkMultisignatureVerify else {
                pieces.append((bytes, value(of: element, in: script)))
                continue
            }
            if let dummy = dummyIndex(pieces.map(\.pushed)) {
                pieces.remove(at: dummy)
                pieces.append((bytes, nil))
            } else {
                let taking: Opcode = opcode == .checkMultisignature ? .nip : .drop
                pieces.append((bytes + [taking.rawValue], nil))
            }
        }
        return Script(pieces.flatMap(\.bytes))
    }

    private static func dummyIndex(_ pushed: [[UInt8]?]) -> Int? {
        guard let keyCount = number(pushed, fromEnd: 0),
            let signatureCount = number(pushed, fromEnd: 1 + keyCount)
        else { return nil }
        let index = pushed.count - 3 - keyCount - signatureCount
        guard index >= 0, pushed[index...].allSatisfy({ $0 != nil }) else { return nil }
        return index
    }

    private static func number(_ pushed: [[UInt8]?], fromEnd distance: Int) -> Int? {
        let index = pushed.count - 1 - distance
        guard pushed.indices.contains(index), let bytes = pushed[index],
            let number = try? ScriptNumber.decode(bytes[...], requireMinimal: false),
            (0...20).contains(number)
        else { return nil }
        return Int(number)
    }

    private static func value(of element: ScriptElement, in script: Script) -> [UInt8]? {
        switch element.opcode {
        case 0...Opcode.pushData4.rawValue: Array(script.bytes[element.push])
        case Opcode.negative1.rawValue: [0x81]
        case Opcode.number1.rawValue...Opcode.number16.rawValue:
            [element.opcode - Opcode.number1.rawValue + 1]
        default: nil
        }
    }
}
