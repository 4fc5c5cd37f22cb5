import CSodium

extension ScriptMachine {
    mutating func hash(_ opcode: Opcode) throws(ScriptRejection) {
        let input = try pop()
        try budget.chargeHashing(input.count)
        switch opcode {
        case .hash160: stack.append(Blake2b.hash160(.scriptHash160, input)[...])
        case .hash256: stack.append(input.withUnsafeBytes { Blake2b.hash256(.scriptHash256, $0) }.bytes[...])
        default:
            var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
            input.withUnsafeBufferPointer {
                _ = crypto_hash_sha256(&digest, $0.baseAddress, UInt64($0.count))
            }
            stack.append(digest[...])
        }
    }

    mutating func checkSignature(_ opcode: Opcode) throws(ScriptRejection) {
        try require(2)
        let key = try pop()
        let signature = try pop()
        try budget.chargeSignatureChecks(1)
        let isGood = try verifies(signature, key)
        if !isGood, flags.contains(.nullFail), !signature.isEmpty { throw .nullFail }
        push(isGood)
        if opcode == .checkSignatureVerify { try verify(.checkSignatureVerify) }
    }

    /// m signatures by some of n keys, in the order of the keys. Unlike Bitcoin's it takes no dummy item.
    mutating func checkMultisignature(_ opcode: Opcode) throws(ScriptRejection) {
        let keyCount = try popCount(limit: Script.multisigKeysMax, .keyCount)
        try count(operations: keyCount)
        let keys = try popItems(keyCount)
        let signatures = try popItems(try popCount(limit: keyCount, .signatureCount))
        // All keys at once: what a check costs must not depend on which signatures are good.
        try budget.chargeSignatureChecks(keyCount)
        // From the last signature and key to the first, as in Bitcoin; the order decides only how much is
        // tried.
        var keysLeft = keys[...]
        var signaturesLeft = signatures[...]
        while let signature = signaturesLeft.last, signaturesLeft.count <= keysLeft.count {
            guard let key = keysLeft.popLast() else { break }
            if try verifies(signature, key) { signaturesLeft.removeLast() }
        }
        let isGood = signaturesLeft.isEmpty
        if !isGood, flags.contains(.nullFail), signatures.contains(where: { !$0.isEmpty }) { throw .nullFail }
        push(isGood)
        if opcode == .checkMultisignatureVerify { try verify(.checkMultisignatureVerify) }
    }

    /// A key or signature of another length is a failed check and not an error.
    private mutating func verifies(
        _ signature: ArraySlice<UInt8>, _ key: ArraySlice<UInt8>
    ) throws(ScriptRejection) -> Bool {
        guard key.count == PublicKey.byteCount, signature.count == Signature.byteCount + 1 else {
            return false
        }
        return try context.verifies(signature: signature, key: key, budget: &budget)
    }

    private mutating func popCount(limit: Int, _ rejection: ScriptRejection) throws(ScriptRejection) -> Int {
        let count = try popNumber()
        guard count >= 0, count <= Int64(limit) else { throw rejection }
        return Int(count)
    }

    private mutating func popItems(_ count: Int) throws(ScriptRejection) -> [ArraySlice<UInt8>] {
        try require(count)
        let items = Array(stack.suffix(count))
        stack.removeLast(count)
        return items
    }
}
