extension RPCError {
    /// What to do about a refusal whose place knows nothing better, by its reason.
    public static func advice(on reason: String) -> String? { advices[reason] }

    private static let advices: [String: String] = [
        // Texts and numbers.
        "bad-amount": "write it like 12.5 or \"0.00010000\", without exponent or sign",
        "bad-address": "`validateaddress` tells what is wrong with an address",
        "bad-hex": "two of 0-9 and a-f for every byte, without spaces and without 0x",
        "bad-txid": "copy the txid of `listunspent`, `getrawmempool` or of the payment",
        "bad-block": "`getblockcount` tells the height of the last block",
        "unknown-block": "`getblockcount` tells the height of the last block",
        "bad-parameter": "`help METHOD` shows the parameters of a method",
        "unknown-member": "`help METHOD` shows the members that it takes",
        "bad-type": "ALL, NONE or SINGLE, alone or followed by |ANYONECANPAY",
        // Transactions by themselves.
        "malformed": "copy the whole text; `decoderawtransaction` shows what a transaction says",
        "oversized": "spend or pay less at once",
        "unknown-version": "set the version to 1 or 2",
        "no-inputs": "name at least one output of `listunspent`",
        "no-outputs": "pay to at least one address",
        "duplicate-input": "name each output once",
        "oversized-script": "put a long script behind its hash: `decodescript` shows the address",
        "dust": "pay more to this output, or leave it out",
        "data-carrier-value": "set its amount to 0 and pay to an address beside it",
        "money-range": "pay less: the amounts add up to more than can exist",
        "coinbase-form": "only a block's proposer makes coinbases",
        "coinbase-alone": "only a block's proposer makes coinbases",
        // Transactions on the chain.
        "missing-input": "`gettransaction` tells whether what it spends exists; it may be spent already",
        "spent-input": "name each output once",
        "lock-time": "submit it again when that slot or time has passed",
        "sequence-lock": "submit it again when what it spends is old enough",
        "overspent": "pay less, or add inputs",
        "insufficient-fee": "leave more between inputs and outputs; `estimatesmartfee` tells how much",
        "growth-price": "create fewer outputs, or spend more of them",
        "script": "sign every input: `signrawtransactionwithwallet` names those that lack something",
        "script-work": "use fewer or shorter scripts in one transaction",
        // The mempool.
        "already-in-mempool": "nothing: it waits for a block; `gettransaction` shows when it is final",
        "already-final": "nothing: it is paid; `gettransaction` shows its block",
        "double-spend": "pay a higher fee to replace it: above its fee a byte, and the sum of both fees",
        "unconfirmed-chain-too-long": "submit it again after the next block",
        "mempool-full": "pay a higher fee, or try again later",
        // Signing.
        "wrong-number-of-outputs": "tell script and amount of every output that it spends",
        "unknown-form": "spend such an output with a program of your own: the wallet cannot sign for it",
        "other-transaction": "combine copies of one transaction: `decoderawtransaction` shows their txids",
        "redeem-script-missing": "give it as redeemscript of a previous output",
        "redeem-script-unused": "leave redeemscript out: the output is no script hash",
        "previous-output-mismatch": "leave script and amount out, or copy those of `gettransaction`",
        // Proofs.
        "malformed-proof": "copy the whole text of `gettxoutproof`, `getoutputproof` or `getfinalityproof`",
        "unknown-proof-version": "copy the whole text of a proof, or update this program",
        "other-validators": "ask for a proof of this chain; `getblockchaininfo` names its validators",
        "certificate-of-another-block": "ask somebody else for the proof: this one proves nothing",
        "wrong-bitmap": "ask somebody else for the proof: this one proves nothing",
        "too-little-weight": "ask somebody else for the proof: this one proves nothing",
        "bad-signature": "ask somebody else for the proof: this one proves nothing",
        "not-in-block": "ask somebody else for the proof: this one proves nothing",
        "not-among-outputs": "ask somebody else for the proof: this one proves nothing",
        "other-spent-outputs": "ask somebody else for the proof: this one proves nothing",
        "other-state": "ask somebody else for the proof: this one proves nothing",
        "before-anchor": "ask for a proof of a later block, or trust a set of an earlier one",
        "no-set-change": "ask somebody else for the proof: this one proves nothing",
        "pruned": "ask a node that keeps more of the chain",
        "no-certificate": "compare the genesis hash of `getblockchaininfo` instead",
    ]
}
