/// What members have earned and not yet been paid, in exact integers.
public struct Accruals: Hashable, Sendable {
    public struct Account: Hashable, Sendable {
        public let key: PublicKey
        public var amount: Amount
        /// Height of the block that brought the amount to the payout threshold.
        public var crossedAt: Height?
    }

    /// In the order of keys.
    public private(set) var accounts: [Account]
    /// What dividing subsidies left over, carried to the next slot.
    public private(set) var remainder: Amount

    /// Payouts in one coinbase at most.
    public static let payoutsMax = 64
    /// The drawn member's part of a subsidy is one in so many.
    public static let drawnShareDivisor: UInt64 = 5
    private static let accountsMax = 100_000

    public init() {
        accounts = []
        remainder = .zero
    }

    public var total: Amount { Amount.sum(accounts.lazy.map(\.amount)) ?? .maximum }

    /// Accounts to pay in the next scheduled block: oldest crossing first, then key, at most 64.
    public var due: [Account] {
        let crossed = accounts.compactMap { account in
            account.crossedAt.map { (height: $0, account: account) }
        }
        let ordered = crossed.sorted { ($0.height, $0.account.key) < ($1.height, $1.account.key) }
        return ordered.prefix(Accruals.payoutsMax).map(\.account)
    }

    /// Takes paid accounts out.
    mutating func pay(_ paid: [Account]) {
        let keys = Set(paid.map(\.key))
        accounts.removeAll { keys.contains($0.key) }
    }

    /// Shares a slot's subsidy: a fifth to the drawn member, the rest by weight with the remainder carried.
    /// `nil` when a sum leaves the money range.
    mutating func mint(_ subsidy: Amount, drawn: PublicKey, among validators: ValidatorSet) -> Void? {
        guard let drawnShare = Amount(units: subsidy.units / Accruals.drawnShareDivisor),
            let rest = subsidy.subtracting(drawnShare), let pool = rest.adding(remainder)
        else { return nil }
        var left = pool
        for member in validators.members {
            let (high, low) = pool.units.multipliedFullWidth(by: member.weight)
            // The weight is at most the total, so the quotient is at most the pool and cannot overflow.
            let share = Amount(units: validators.totalWeight.dividingFullWidth((high, low)).quotient) ?? .zero
            guard credit(share, to: member.operatorKey) != nil, let next = left.subtracting(share) else {
                return nil
            }
            left = next
        }
        remainder = left
        return credit(drawnShare, to: drawn)
    }

    /// Takes accounts out and shares what they held with the next subsidy; `nil` when the sum leaves the
    /// money range.
    mutating func forfeit(_ keys: Set<PublicKey>) -> Void? {
        let lost = accounts.filter { keys.contains($0.key) }
        guard let sum = Amount.sum(lost.lazy.map(\.amount)), let rest = remainder.adding(sum) else {
            return nil
        }
        remainder = rest
        accounts.removeAll { keys.contains($0.key) }
        return ()
    }

    /// `nil` when the sum leaves the money range.
    mutating func credit(_ amount: Amount, to key: PublicKey) -> Void? {
        guard amount > .zero else { return () }
        let index = accounts.firstIndex { $0.key >= key } ?? accounts.endIndex
        guard index < accounts.endIndex, accounts[index].key == key else {
            accounts.insert(Account(key: key, amount: amount, crossedAt: nil), at: index)
            return ()
        }
        guard let sum = accounts[index].amount.adding(amount) else { return nil }
        accounts[index].amount = sum
        return ()
    }

    /// Marks accounts that now reach the threshold.
    mutating func markCrossings(threshold: Amount, at height: Height) {
        for index in accounts.indices where accounts[index].crossedAt == nil {
            if accounts[index].amount >= threshold { accounts[index].crossedAt = height }
        }
    }

    public var hash: Hash256 {
        var writer = ByteWriter()
        encode(into: &writer)
        return Blake2b.hash256(.accruals, writer.bytes)
    }

    public func encode(into writer: inout ByteWriter) {
        writer.write(remainder)
        writer.writeCompactSize(UInt64(accounts.count))
        for account in accounts {
            writer.write(account.key)
            writer.write(account.amount)
            // Genesis credits nobody, so height 0 is free to mean "not crossed".
            writer.write(account.crossedAt ?? 0)
        }
    }

    public init(from reader: inout ByteReader) throws(DecodingFailure) {
        remainder = try reader.readAmount()
        let count = try reader.readCount(limit: Accruals.accountsMax, bytesEach: PublicKey.byteCount + 16)
        accounts = []
        for _ in 0..<count {
            let key = try reader.readPublicKey()
            let amount = try reader.readAmount()
            let crossedAt: UInt64 = try reader.readInteger()
            accounts.append(Account(key: key, amount: amount, crossedAt: crossedAt == 0 ? nil : crossedAt))
        }
    }
}
