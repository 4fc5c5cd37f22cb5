public import TimeCoinCore

/// A chain for tests: a few members with known keys, money in known hands, and payments made of it.
public struct TestChain: Sendable {
    public let members: [SigningKey]
    /// Owns every allocation.
    public let owner: SigningKey
    public let genesis: Genesis

    public static let genesisTime = Timestamp(milliseconds: 1_000_000_000_000)

    /// `nil` when the numbers make no genesis.
    ///
    /// - Parameters:
    ///   - weights: one member each.
    ///   - allocations: outputs of 1,000 TIME each.
    public init?(weights: [UInt64], allocations: Int, parameters: ChainParameters) {
        let members = weights.indices.compactMap { TestChain.key(UInt8(truncatingIfNeeded: $0 + 1)) }
        guard members.count == weights.count, let owner = TestChain.key(200),
            let amount = Amount(units: 1000 * Amount.unitsPerTime),
            let genesis = try? Genesis(
                parameters: parameters, time: TestChain.genesisTime,
                members: zip(members, weights).map {
                    Registry.Entry(
                        operatorKey: $0.publicKey, weight: $1, payout: Script.keyHash(of: $0.publicKey))
                },
                allocations: (0..<allocations).map { _ in
                    Genesis.Allocation(locking: Script.keyHash(of: owner.publicKey), amount: amount)
                })
        else { return nil }
        self.members = members
        self.owner = owner
        self.genesis = genesis
    }

    /// A key whose seed repeats one byte.
    public static func key(_ byte: UInt8) -> SigningKey? {
        SigningKey(seed: [UInt8](repeating: byte, count: SigningKey.seedByteCount))
    }

    /// A signed payment of one key-hash output to one receiver, the rest back to the owner, less the fee.
    public func payment(
        of outPoint: OutPoint, worth value: Amount, paying amount: Amount, to receiver: PublicKey, fee: Amount
    ) -> Transaction? {
        guard let rest = value.subtracting(amount)?.subtracting(fee) else { return nil }
        let outputs = [
            TransactionOutput(value: amount, locking: Script.keyHash(of: receiver)),
            TransactionOutput(value: rest, locking: Script.keyHash(of: owner.publicKey)),
        ]
        let unsigned = Transaction(
            inputs: [TransactionInput(previous: outPoint, unlocking: .empty)], outputs: outputs)
        let spent = TransactionOutput(value: value, locking: Script.keyHash(of: owner.publicKey))
        guard
            let hash = SignatureHash(transaction: unsigned, spending: [spent], chain: genesis.hash)?
                .message(input: 0, type: .all)
        else { return nil }
        let unlocking = Script.unlockKeyHash(
            signature: owner.sign(hash.bytes), type: .all, key: owner.publicKey)
        return Transaction(
            inputs: [TransactionInput(previous: outPoint, unlocking: unlocking)], outputs: outputs)
    }

    /// The allocation at a place.
    public func allocation(_ index: Int) -> (outPoint: OutPoint, entry: OutputEntry)? {
        genesis.change.created.indices.contains(index) ? genesis.change.created[index] : nil
    }
}
