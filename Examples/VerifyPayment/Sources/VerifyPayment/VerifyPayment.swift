// Verifies offline that a payment is final, from the text of `timecoin-cli gettxoutproof TXID`.
//
// usage: VerifyPayment GENESIS-HASH VALIDATORS-HASH ADDRESS PREFIX < PROOF
//
// Both hashes are in `timecoin-cli getblockchaininfo`; PREFIX is time, ttime or rtime.
import Foundation
import TimeCoinCore

struct Failure: Error, CustomStringConvertible {
    let description: String
}

@main
enum VerifyPayment {
    static func main() {
        do {
            print(try verify(CommandLine.arguments.dropFirst()))
        } catch {
            FileHandle.standardError.write(Data("not proven: \(error)\n".utf8))
            exit(1)
        }
    }

    static func verify(_ arguments: ArraySlice<String>) throws -> String {
        let words = Array(arguments)
        guard words.count == 4, let chain = Hash256(hex: words[0]), let validators = Hash256(hex: words[1])
        else { throw Failure(description: "usage: VerifyPayment GENESIS-HASH VALIDATORS-HASH ADDRESS PREFIX") }
        let address = try Address(parsing: words[2], prefix: words[3])
        guard let line = readLine(), let bytes = Hexadecimal.decode(line) else {
            throw Failure(description: "the proof is read from standard input, in hexadecimal")
        }
        let anchor = TrustAnchor(chain: chain, validators: validators)
        let final = try TransactionProof(decoding: bytes).verify(against: anchor)
        let amount = final.amount(to: address) ?? .zero
        return "final in block \(final.block.header.height): \(final.txid) pays \(amount) to \(words[2])"
    }
}
