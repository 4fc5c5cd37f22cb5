import Testing
import TimeCoinCore
import TimeCoinTesting

@Suite("A block with its certificate")
struct CertifiedBlockTests {
    /// The same block as if another set had to decide it.
    private func block(like header: BlockHeader, validators: Hash256, of block: CheckedBlock) throws
        -> CheckedBlock
    {
        try CheckedBlock(
            header: BlockHeader(
                version: header.version, kind: header.kind, height: header.height, slot: header.slot,
                previous: header.previous, time: header.time, transactionRoot: header.transactionRoot,
                witnessRoot: header.witnessRoot, stateRoot: header.stateRoot, validators: validators,
                nextValidators: validators, evidenceRoot: header.evidenceRoot,
                attestationRoot: header.attestationRoot, proposer: header.proposer),
            transactions: block.transactions)
    }

    @Test("K5: the set that certifies a block is the one that its header names, whoever signed")
    func anotherSet() throws {
        let world = try World()
        let time = world.state.header.time.advanced(byMilliseconds: 100)
        let good = try #require(
            try world.build([try world.admission(try world.payment(0))], at: time)
        ).block
        let strange = try block(like: good.header, validators: .zero, of: good)
        for (block, expected) in [(good, nil), (strange, CertifiedBlockRejection.anotherSet)] {
            let certificate = try world.certificate(of: block.hash, at: 1, signers: [0, 1, 2])
            var rejection: CertifiedBlockRejection?
            do throws(CertifiedBlockRejection) {
                _ = try CertifiedBlock(
                    block, certificate: certificate, validators: world.state.validators,
                    chain: world.chain.genesis.hash)
            } catch {
                rejection = error
            }
            #expect(rejection == expected)
        }
    }
}
