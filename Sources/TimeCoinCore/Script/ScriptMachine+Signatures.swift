import CSodium

extension ScriptMachine {
    mutating func hash(_ opcode: Opcode) throws(ScriptRejection) {
        let input = try pop()
        try budget.chargeHashing(input.count)
        switch opcode {
        case .hash160: stack.append(Blake2b.hash160(.scriptHash160, input))
        case .hash256: stack.append(Blake2b.hash256(.scriptHash256, input).bytes)
        default:
            var digest = [UInt8](repeating: 0, count: 32)
            crypto_hash_sha256(&digest, input, UInt64(input.count))
            stack.append(digest)
        }
    }

    mutating func checkSignature(_ opcode: Opcode) throws(ScriptRejection) {
        try require(2)
        let key = try pop()
        let signature = try pop()
        try budget.chargeSignatureChecks(1)
        let verifies = try context.verifies(signature: signature, key: key, budget: &budget)
        if !verifies, flags.contains(.nullFail), !signature.isEmpty { throw .nullFail }
        push(verifies)
        if opcode == .checkSignatureVerify { try verify(.checkSignatureVerify) }
    }

    /// m signatures by some of n keys, in the order of the keys. Unlike Bitcoin's it takes no dummy item.
    mutating func checkMultisignature(_ opcode: Opcode) throws(ScriptRejection) {
        let keys = try popCounted(limit: Script.multisigKeysMax, .keyCount, chargeOperations: true)
        let signatures = try popCounted(limit: keys.count, .signatureCount, chargeOperations: false)
        try budget.chargeSignatureChecks(keys.count)
        // Both lists are in the order of popping, last first, which is Bitcoin's order of checking.
        var keysLeft = keys[...]
        var signaturesLeft = signatures[...]
        while let signature = signaturesLeft.first, signaturesLeft.count <= keysLeft.count {
            guard let key = keysLeft.popFirst() else { break }
            if try context.verifies(signature: signature, key: key, budget: &budget) { signaturesLeft.removeFirst() }
        }
        let verifies = signaturesLeft.isEmpty
        if !verifies, flags.contains(.nullFail), signatures.contains(where: { !$0.isEmpty }) { throw .nullFail }
        push(verifies)
        if opcode == .checkMultisignatureVerify { try verify(.checkMultisignatureVerify) }
    }

    private mutating func popCounted(
        limit: Int, _ rejection: ScriptRejection, chargeOperations: Bool
    ) throws(ScriptRejection) -> [[UInt8]] {
        let count = try popNumber()
        guard count >= 0, count <= Int64(limit) else { throw rejection }
        if chargeOperations { try self.count(operations: Int(count)) }
        try require(Int(count))
        let items = Array(stack.suffix(Int(count)).reversed())
        stack.removeLast(Int(count))
        return items
    }
}
