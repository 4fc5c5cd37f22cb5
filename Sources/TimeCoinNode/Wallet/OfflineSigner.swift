public import TimeCoinControl
public import TimeCoinCore

/// Signs with the keys of a wallet file alone: no node runs, nothing is looked up.
public struct OfflineSigner: Sendable {
    private let keys: [SigningKey]
    private let chain: Hash256

    /// - Parameters:
    ///   - passphrase: of the wallet of the directory.
    ///   - chain: the hash of the genesis block; by default that of the directory's genesis file.
    /// - Throws: ``KeyFailure``, and ``GenesisDocument/Failure`` where no chain is named.
    public init(_ directory: NodeDirectory, passphrase: [UInt8], chain: Hash256?) throws {
        let file = try WalletFile(reading: directory.wallet)
        let seed = try file.seal.open(passphrase: passphrase)
        keys = try file.keys.indices.map { try WalletFile.key(UInt64($0), of: seed) }
        self.chain = try chain ?? GenesisDocument(reading: directory.genesis).genesis().hash
    }

    /// Adds the signatures of the wallet's keys.
    ///
    /// - Parameters:
    ///   - hex: a transaction, unsigned or signed in part.
    ///   - previous: script and amount of everything that it spends, in the form of
    ///     `signrawtransactionwithwallet`.
    ///   - type: what the signatures cover, `ALL` where nothing is said.
    /// - Returns: `hex`, `complete`, and the places of `incomplete` inputs.
    public func sign(
        _ hex: String, previous: JSONValue, type: String? = nil
    ) throws(RPCError) -> JSONValue {
        let checked = try TransactionForm.checked(hex: hex)
        let told = try TransactionForm.previous(previous)
        var spent: [TransactionSigning.Spent] = []
        for input in checked.transaction.inputs {
            spent.append(
                try TransactionForm.spent(input.previous, told: told[input.previous], known: nil))
        }
        var signing: TransactionSigning
        do {
            signing = try TransactionSigning(checked.transaction, spending: spent, chain: chain)
        } catch {
            throw error.asError
        }
        signing.sign(with: keys, type: try TransactionForm.type(type))
        return signing.answer
    }
}

extension TransactionSigning {
    /// As an answer.
    var answer: JSONValue {
        .object([
            "hex": .string(Hexadecimal.encode(transaction.encoded)), "complete": .bool(incomplete.isEmpty),
            "incomplete": .array(incomplete.map { .integer($0) }),
        ])
    }
}
