/// Why a transaction is refused: one name a rule, the same name in answers, tests and the specification.
public struct TransactionRejection: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Rule: String, Sendable, CaseIterable {
        case malformed = "malformed"
        case oversized = "oversized"
        case unknownVersion = "unknown-version"
        case noInputs = "no-inputs"
        case noOutputs = "no-outputs"
        case duplicateInput = "duplicate-input"
        case oversizedScript = "oversized-script"
        case dust = "dust"
        case dataCarrierValue = "data-carrier-value"
        case moneyRange = "money-range"
        case coinbaseForm = "coinbase-form"
        case coinbaseAlone = "coinbase-alone"
        case missingInput = "missing-input"
        case spentInput = "spent-input"
        case lockTime = "lock-time"
        case sequenceLock = "sequence-lock"
        case overspent = "overspent"
        case insufficientFee = "insufficient-fee"
        case growthPrice = "growth-price"
        case script = "script"
        case scriptWork = "script-work"
    }

    public let rule: Rule
    /// What was found and what would have been right, for people; never compared.
    public let detail: String

    public init(_ rule: Rule, _ detail: String) {
        self.rule = rule
        self.detail = detail
    }

    /// Equal when the same rule refused.
    public static func == (left: TransactionRejection, right: TransactionRejection) -> Bool {
        left.rule == right.rule
    }

    public var description: String { "\(rule.rawValue): \(detail)" }
}
