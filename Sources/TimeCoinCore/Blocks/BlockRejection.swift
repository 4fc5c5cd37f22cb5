/// Why a block is refused: one name a rule, the same name in logs, tests and the specification.
public struct BlockRejection: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Rule: String, Sendable, CaseIterable {
        case malformed = "malformed-block"
        case oversized = "oversized-block"
        case version = "block-version"
        case height = "block-height"
        case previous = "previous-block"
        case time = "block-time"
        case schedule = "block-schedule"
        case paymentInterval = "payment-interval"
        case emptyPayment = "empty-payment-block"
        case proposer = "block-proposer"
        case validators = "validator-set"
        case transactionRoot = "transaction-root"
        case witnessRoot = "witness-root"
        case evidenceRoot = "evidence-root"
        case attestationRoot = "attestation-root"
        case duplicateTransaction = "duplicate-transaction"
        case coinbase = "coinbase"
        case transaction = "block-transaction"
        case work = "block-work"
        case supply = "supply"
        case stateRoot = "state-root"
    }

    public let rule: Rule
    /// What was found and what would have been right, for people; never compared.
    public let detail: String

    public init(_ rule: Rule, _ detail: String) {
        self.rule = rule
        self.detail = detail
    }

    /// Equal when the same rule refused.
    public static func == (left: BlockRejection, right: BlockRejection) -> Bool { left.rule == right.rule }

    public var description: String { "\(rule.rawValue): \(detail)" }
}
