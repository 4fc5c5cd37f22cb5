import CAllocationMeter
import Testing

@testable import TimeCoinCore

@Suite("What decoders allocate", .enabled(if: allocation_meter_works()))
struct DecoderAllocationTests {
    /// Bytes allocated at any one time for each byte given, at most.
    private static let factor = 24
    /// Bytes beside.
    private static let base = 4096

    private static let decoders: [(name: String, decode: @Sendable ([UInt8]) -> Void)] = [
        ("transaction", { _ = try? Transaction(decoding: $0) }),
        ("checked transaction", { _ = try? CheckedTransaction(decoding: $0) }),
        ("block", { _ = try? Block(decoding: $0) }),
        ("checked block", { _ = try? CheckedBlock(decoding: $0) }),
        ("certificate", { _ = try? Certificate(decoding: $0) }),
        ("finality proof", { _ = try? FinalityProof(decoding: $0) }),
        ("transaction proof", { _ = try? TransactionProof(decoding: $0) }),
        ("chain state", { _ = try? ChainState(decoding: $0) }),
        ("header", { read($0) { try? BlockHeader(from: &$0) } }),
        ("round certificate", { read($0) { try? RoundCertificate(from: &$0) } }),
        ("validator set", { read($0) { try? ValidatorSet(from: &$0) } }),
        ("registry", { read($0) { try? Registry(from: &$0) } }),
        ("accruals", { read($0) { try? Accruals(from: &$0) } }),
        ("output entry", { read($0) { try? OutputEntry(from: &$0) } }),
        ("signed vote", { read($0) { try? SignedVote(from: &$0) } }),
        ("merkle proof", { read($0) { try? MerkleProof(from: &$0) } }),
    ]

    private static func read<Value>(_ bytes: [UInt8], _ body: (inout ByteReader) -> Value?) {
        var reader = ByteReader(bytes)
        _ = body(&reader)
    }

    /// A count of 4 GiB, of 65,535, of 250, or of as many as the rest could hold at `each` bytes.
    private static let claims: [[UInt8]] = [
        [0xfe, 0xff, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
        [0xfd, 0xff, 0xff], [0xfd, 0x10, 0x27], [0xfa],
    ]

    private func check(_ name: String, _ bytes: [UInt8], _ decode: ([UInt8]) -> Void, _ what: String) {
        let limit = Self.factor * bytes.count + Self.base
        // What the runtime sets up once, at the first use of something, is not there twice.
        var peak = Int.max
        for _ in 0..<2 where peak > limit {
            allocation_meter_reset()
            decode(bytes)
            peak = Int(allocation_meter_peak())
        }
        #expect(peak <= limit, "\(name), \(what): \(peak) bytes for \(bytes.count)")
    }

    @Test("N3: claims of 4 GiB at every place allocate nothing beyond a small multiple of what is there")
    func claims() throws {
        let whole = Transaction(
            inputs: [
                TransactionInput(
                    previous: OutPoint(transaction: .zero, index: 0), unlocking: Script([0x51, 0x51]))
            ], outputs: [TransactionOutput(value: .zero, locking: Script([0x6a, 0x00]))]
        ).encoded
        for (name, decode) in Self.decoders {
            for place in whole.indices {
                for claim in Self.claims {
                    check(name, whole[..<place] + claim + whole[(place + 1)...], decode, "at \(place)")
                }
            }
            for length in [0, 1, 40, 400] {
                for place in stride(from: 0, through: min(length, 360), by: 3) {
                    for claim in Self.claims {
                        var bytes = [UInt8](repeating: 0, count: length)
                        bytes.insert(contentsOf: claim, at: place)
                        check(name, bytes, decode, "claim at \(place)")
                    }
                }
            }
        }
    }

    @Test("N3: of what is accepted, and of what makes the most of its bytes, a small multiple is allocated")
    func densest() throws {
        let value = try #require(Amount(units: 546))
        let name = Blake2b.hash256(.block, [1])
        func transaction(_ inputs: Int, _ outputs: Int, script: Int) -> Transaction {
            Transaction(
                inputs: (0..<inputs).map {
                    TransactionInput(
                        previous: OutPoint(transaction: name, index: UInt32($0)),
                        unlocking: Script([UInt8](repeating: 0x51, count: script)))
                },
                outputs: (0..<outputs).map { _ in
                    TransactionOutput(
                        value: value, locking: Script([UInt8](repeating: 0x51, count: script)))
                })
        }
        let shapes = [
            transaction(1, 90_000, script: 1), transaction(20_000, 1, script: 1),
            transaction(1, 100_000, script: 0), transaction(1, 90, script: 9_000),
            transaction(0, 0, script: 0), transaction(1, 2, script: 97),
        ]
        for shape in shapes {
            let bytes = shape.encoded
            for (name, decode) in Self.decoders where name.contains("transaction") {
                check(name, bytes, decode, "\(shape.inputs.count) inputs, \(shape.outputs.count) outputs")
            }
        }
        let header = BlockHeader(
            kind: .payment, height: 1, slot: 1, previous: .zero, time: Timestamp(milliseconds: 1),
            transactionRoot: .zero, witnessRoot: .zero, stateRoot: .zero, validators: .zero,
            nextValidators: .zero, evidenceRoot: .zero, attestationRoot: .zero,
            proposer: try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32))).publicKey)
        for (shape, count) in [(shapes[4], 150_000), (shapes[5], 5000), (shapes[1], 2)] {
            let bytes = Block(header: header, transactions: [Transaction](repeating: shape, count: count))
                .encoded
            for (name, decode) in Self.decoders where name.contains("block") {
                check(name, bytes, decode, "\(count) transactions")
            }
        }
    }
}
