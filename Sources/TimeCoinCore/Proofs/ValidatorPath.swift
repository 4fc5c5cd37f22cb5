/// Leads from a set that is trusted to a later one: the final headers that changed the set, one after the
/// other.
///
/// Each step is the finality proof of a header that names another set as the next one, signed by the set of
/// the step before; the members of the set that it names come with the next step, or with the proof at the
/// end of the path. A claim; ``verify(from:)`` is the check.
///
/// A path does not cross a recovery from a fork: votes after it name another voting chain, which no header of
/// before commits to. Who verifies has to be given a new trust point there.
public struct ValidatorPath: Hashable, Sendable {
    /// Finality proofs of headers that change the set, in the order of heights.
    public let steps: [FinalityProof]

    public static let version: UInt8 = 1
    /// Steps of a path at most; a longer way is walked in several paths.
    public static let stepsMax = 64
    /// Bytes of the list of steps at most.
    static let listBytesMax = 1 + stepsMax * FinalityProof.bytesMax
    /// Bytes of an encoded path at most.
    public static let bytesMax = 1 + listBytesMax

    /// The set did not change.
    public static let empty = ValidatorPath(unchecked: [])

    /// `nil` for more than ``stepsMax`` steps.
    public init?(_ steps: [FinalityProof]) {
        guard steps.count <= ValidatorPath.stepsMax else { return nil }
        self.init(unchecked: steps)
    }

    private init(unchecked steps: [FinalityProof]) {
        self.steps = steps
    }

    /// Walks the path.
    ///
    /// - Returns: what proves heights above the last step; the anchor itself when there is no step.
    public func verify(from anchor: TrustAnchor) throws(ProofRejection) -> TrustAnchor {
        var reached = anchor
        for step in steps {
            let header = try step.verify(against: reached).header
            guard header.nextValidators != header.validators else { throw .noSetChange }
            // The steps after it verify from the height above it on, so heights rise.
            guard header.height < .max else { throw .beforeAnchor }
            reached = TrustAnchor(
                chain: anchor.chain, validators: header.nextValidators, from: header.height + 1)
        }
        return reached
    }

    /// Version, number of steps, steps.
    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 1024)
        writer.write(ValidatorPath.version)
        encode(into: &writer)
        return writer.bytes
    }

    /// Decodes exactly one path; nothing of it is verified yet.
    public init(decoding bytes: [UInt8]) throws(ProofRejection) {
        self = try ProofRejection.decode(bytes, version: ValidatorPath.version) {
            reader throws(DecodingFailure) in try ValidatorPath(from: &reader)
        }
    }

    func encode(into writer: inout ByteWriter) {
        writer.writeCompactSize(UInt64(steps.count))
        for step in steps { step.encode(into: &writer) }
    }

    init(from reader: inout ByteReader) throws(DecodingFailure) {
        let count = try reader.readCount(
            limit: ValidatorPath.stepsMax, bytesEach: 1 + BlockHeader.byteCount)
        var steps: [FinalityProof] = []
        for _ in 0..<count { steps.append(try FinalityProof(from: &reader)) }
        self.steps = steps
    }
}
