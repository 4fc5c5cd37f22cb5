/// The purposes of hashing, one BLAKE2b personalisation each, so that bytes hashed for one purpose can never
/// pass for another.
public enum HashDomain: Int, CaseIterable, Sendable {
    case transactionID
    case witnessID
    case signatureHash
    case signaturePart
    case block
    case merkleLeaf
    case merkleNode
    case merkleEmpty
    case validatorSet
    case member
    case state
    case registry
    case accruals
    case counters
    case supply
    case parameters
    case slotSeed
    case outputLeaf
    case rangeNode
    case rangeRoot
    case spentChunk
    case outputCommitment
    case proposal
    case vote
    case position
    case clock
    case evidence
    case fork
    case recovery
    case scriptHash160
    case scriptHash256

    /// Bytes of a personalisation; shorter names are padded with zeros.
    public static let byteCount = 16

    /// The personalisation as text, at most 16 bytes.
    public var name: String {
        switch self {
        case .transactionID: "TIME/txid"
        case .witnessID: "TIME/wtxid"
        case .signatureHash: "TIME/sighash"
        case .signaturePart: "TIME/sigpart"
        case .block: "TIME/block"
        case .merkleLeaf: "TIME/leaf"
        case .merkleNode: "TIME/node"
        case .merkleEmpty: "TIME/empty"
        case .validatorSet: "TIME/valset"
        case .member: "TIME/member"
        case .state: "TIME/state"
        case .registry: "TIME/registry"
        case .accruals: "TIME/accruals"
        case .counters: "TIME/counters"
        case .supply: "TIME/supply"
        case .parameters: "TIME/params"
        case .slotSeed: "TIME/seed"
        case .outputLeaf: "TIME/output"
        case .rangeNode: "TIME/mmrnode"
        case .rangeRoot: "TIME/mmrroot"
        case .spentChunk: "TIME/spent"
        case .outputCommitment: "TIME/outputs"
        case .proposal: "TIME/proposal"
        case .vote: "TIME/vote"
        case .position: "TIME/position"
        case .clock: "TIME/clock"
        case .evidence: "TIME/evidence"
        case .fork: "TIME/fork"
        case .recovery: "TIME/recovery"
        case .scriptHash160: "TIME/hash160"
        case .scriptHash256: "TIME/hash256"
        }
    }

    /// The 16 bytes given to BLAKE2b, also the prefix of signed messages.
    public var bytes: [UInt8] {
        let name = Array(name.utf8)
        return name + [UInt8](repeating: 0, count: HashDomain.byteCount - name.count)
    }
}
