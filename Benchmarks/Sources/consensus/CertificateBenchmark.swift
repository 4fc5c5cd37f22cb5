import BenchmarkSupport
import TimeCoinCore

/// A commit certificate with the signatures of all members, verified by the product and by libsodium alone.
struct CertificateBenchmark {
    let fixture: ConsensusFixture
    private let certificate: Certificate
    private let encoded: [UInt8]
    private let signed: RawSodium.SignedMessages

    init(_ fixture: ConsensusFixture) throws {
        self.fixture = fixture
        let votes = try fixture.votes(.precommit, 0, fixture.value(1))
        guard let certificate = Certificate(.commit, of: votes, validators: fixture.validators) else {
            throw ConsensusFixture.Failed(reason: "no certificate")
        }
        self.certificate = certificate
        encoded = certificate.encoded
        signed = RawSodium.SignedMessages(
            keys: votes.map { Array($0.signed.member.bytes) },
            messages: votes.map { $0.vote.signedBytes(chain: fixture.chain) },
            signatures: votes.map { Array($0.signed.signature.bytes) })
    }

    /// CPU-seconds that turns of verification take.
    func verifying(turns: Int) throws -> Double {
        let start = processorSeconds()
        for _ in 0..<turns {
            _ = try VerifiedCertificate(certificate, validators: fixture.validators, chain: fixture.chain)
        }
        return processorSeconds() - start
    }

    /// The same from the bytes that travel.
    func decodingAndVerifying(turns: Int) throws -> Double {
        let start = processorSeconds()
        for _ in 0..<turns {
            _ = try VerifiedCertificate(
                Certificate(decoding: encoded), validators: fixture.validators, chain: fixture.chain)
        }
        return processorSeconds() - start
    }

    /// The same signatures over the same bytes, by libsodium alone.
    func raw(turns: Int) throws -> Double {
        let start = processorSeconds()
        for _ in 0..<turns where signed.verified() != fixture.keys.count {
            throw ConsensusFixture.Failed(reason: "libsodium refuses a signature")
        }
        return processorSeconds() - start
    }
}
