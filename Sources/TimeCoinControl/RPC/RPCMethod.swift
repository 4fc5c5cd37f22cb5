/// A call that the node answers: one table for node, command line and help.
public struct RPCMethod: Sendable, Hashable {
    public enum Kind: String, Sendable {
        case string
        case integer
        case boolean
        /// TIME with up to 8 decimals, as text or number.
        case amount
        /// A height or a block hash.
        case block
        /// An absolute path on the node's machine; on the command line relative to the working directory.
        case path
        /// An array or an object; on the command line, its JSON text.
        case json
    }

    public struct Parameter: Sendable, Hashable {
        public let name: String
        public let kind: Kind
        public let isRequired: Bool
        public let summary: String

        init(_ name: String, _ kind: Kind, required: Bool = true, _ summary: String) {
            self.name = name
            self.kind = kind
            isRequired = required
            self.summary = summary
        }
    }

    public let name: String
    public let summary: String
    public let parameters: [Parameter]

    init(_ name: String, _ summary: String, _ parameters: [Parameter] = []) {
        self.name = name
        self.summary = summary
        self.parameters = parameters
    }

    public static func named(_ name: String) -> RPCMethod? { all.first { $0.name == name } }

    public var usage: String {
        ([name] + parameters.map { $0.isRequired ? $0.name.uppercased() : "[\($0.name.uppercased())]" })
            .joined(separator: " ")
    }

    private static let block = Parameter("block", .block, "a height or a block hash")
    private static let txid = Parameter("txid", .string, "a transaction identifier")
    private static let output = Parameter("n", .integer, "which of its outputs, from 0")
    private static let trusted = Parameter(
        "from", .integer, required: false,
        "a height whose validators the reader trusts; by default genesis, or the first one here")
    private static let address = Parameter("address", .string, "an address")
    private static let pageCount = Parameter("count", .integer, required: false, "1 to 100, 25 by default")
    private static let hex = Parameter("hex", .string, "a transaction in hexadecimal")

    private static let transactions = Parameter(
        "transactions", .json, "transactions in hexadecimal, an array")
    private static let previous = Parameter(
        "previous", .json, required: false,
        "outputs spent that the chain does not show, or their redeem scripts: an array of "
            + "{\"txid\",\"vout\"[,\"script\",\"amount\"][,\"redeemscript\"]}")
    private static let proof = Parameter("proof", .string, "a proof in hexadecimal")

    public static let all: [RPCMethod] = [
        RPCMethod("getblockcount", "Height of the last final block."),
        RPCMethod("getbestblockhash", "Hash of the last final block."),
        RPCMethod(
            "getblockhash", "Hash of the block at a height.", [Parameter("height", .integer, "a height")]),
        RPCMethod(
            "getblock", "A block with its certificate.",
            [
                block,
                Parameter(
                    "verbosity", .integer, required: false,
                    "0 hexadecimal, 1 (by default) identifiers of its transactions, 2 all of them"),
            ]),
        RPCMethod("getblockheader", "The header of a block.", [block]),
        RPCMethod("getblockchaininfo", "Where the chain stands."),
        RPCMethod(
            "getrawtransaction", "A transaction, in hexadecimal or decoded.",
            [txid, Parameter("verbose", .boolean, required: false, "decoded instead of hexadecimal")]),
        RPCMethod("gettransaction", "A transaction and whether it is final.", [txid]),
        RPCMethod("sendrawtransaction", "Submits a signed transaction.", [hex]),
        RPCMethod("decoderawtransaction", "Shows what a transaction says.", [hex]),
        RPCMethod(
            "gettxout", "An unspent output, or null.",
            [
                txid, output,
                Parameter(
                    "mempool", .boolean, required: false,
                    "whether what waits for a block counts, too; it does by default"),
            ]),
        RPCMethod("gettxoutsetinfo", "What all unspent outputs are together, and where the history begins."),
        RPCMethod("getaddressbalance", "What the unspent outputs of an address add up to.", [address]),
        RPCMethod(
            "getaddressutxos", "Unspent outputs of an address, oldest first, in pages.",
            [
                address,
                Parameter("after", .integer, required: false, "`next` of the page before"), pageCount,
            ]),
        RPCMethod(
            "getaddresshistory", "Transactions that pay to an address or spend from it, in pages.",
            [
                address,
                Parameter("after", .string, required: false, "`next` of the page before, HEIGHT:INDEX"),
                pageCount,
                Parameter("newestfirst", .boolean, required: false, "the last transaction comes first"),
            ]),
        RPCMethod("gettxoutproof", "Proof that a transaction is final, for somebody without a node.", [txid]),
        RPCMethod("verifytxoutproof", "Verifies such a proof and shows what it proves.", [proof]),
        RPCMethod(
            "getoutputproof", "Proof that an output is unspent or spent after the last final block.",
            [txid, output, trusted]),
        RPCMethod(
            "getvalidatorpath", "How the validators of a height lead to those of now.", [trusted]),
        RPCMethod("verifyoutputproof", "Verifies such a proof and shows what it proves.", [proof]),
        RPCMethod("getfinalityproof", "Proof that a block is final, for somebody without a node.", [block]),
        RPCMethod("verifyfinalityproof", "Verifies such a proof and shows what it proves.", [proof]),
        RPCMethod(
            "createrawtransaction", "Writes an unsigned transaction.",
            [
                Parameter("inputs", .json, "an array of {\"txid\",\"vout\"[,\"sequence\"]}"),
                Parameter(
                    "outputs", .json,
                    "an array of {\"address\",\"amount\"}, {\"script\",\"amount\"} or {\"data\"}"),
                Parameter("locktime", .integer, required: false, "a slot or a time before which it waits"),
            ]),
        RPCMethod(
            "signrawtransactionwithwallet", "Adds the signatures of the wallet's keys.",
            [
                hex, previous,
                Parameter(
                    "type", .string, required: false,
                    "what they cover: ALL (by default), NONE or SINGLE, each also with |ANYONECANPAY"),
            ]),
        RPCMethod(
            "combinerawtransaction", "Joins what several owners signed of one transaction.",
            [transactions, previous]),
        RPCMethod(
            "testmempoolaccept", "Whether transactions would be taken, and why not; nothing is submitted.",
            [transactions]),
        RPCMethod(
            "decodescript", "Shows what a script says.",
            [Parameter("hex", .string, "a script in hexadecimal")]),
        RPCMethod(
            "createmultisig", "The script and the address of m of n keys.",
            [
                Parameter("required", .integer, "how many must sign"),
                Parameter("keys", .json, "public keys in hexadecimal, an array"),
            ]),
        RPCMethod(
            "getaddressinfo", "What this node knows of an address.",
            [Parameter("address", .string, "the address")]),
        RPCMethod("getmempoolinfo", "What waits for a block."),
        RPCMethod("getmempoolentry", "A waiting transaction, what it pays and what hangs on it.", [txid]),
        RPCMethod(
            "estimatesmartfee", "What a payment should pay for every 1,000 bytes.",
            [
                Parameter(
                    "blocks", .integer, required: false,
                    "in how many blocks it shall be, 1 (by default) to 1000")
            ]),
        RPCMethod("getrawmempool", "Identifiers of what waits for a block."),
        RPCMethod("getpeerinfo", "Connected peers."),
        RPCMethod("getconsensusinfo", "Height, round and step of the vote, and who is heard."),
        RPCMethod(
            "getconsensusstatus",
            "What the vote waits for: in a sentence, who voted what, who is missing, timers."),
        RPCMethod(
            "getstorageinfo", "Size of the database, how far the scrub is, damaged and repaired records."),
        RPCMethod("getvalidators", "Who votes, with what weight."),
        RPCMethod("getnewaddress", "A new address of the wallet."),
        RPCMethod("getbalance", "What the wallet can spend."),
        RPCMethod("listunspent", "Outputs that the wallet can spend."),
        RPCMethod(
            "sendtoaddress", "Pays from the wallet.",
            [Parameter("address", .string, "where to"), Parameter("amount", .amount, "how much")]),
        RPCMethod(
            "validateaddress", "Whether text is an address of this network.",
            [Parameter("address", .string, "the text")]),
        RPCMethod(
            "walletpassphrase", "Unlocks the wallet until it is locked or the node stops.",
            [Parameter("passphrase", .string, "the passphrase")]),
        RPCMethod("walletlock", "Locks the wallet."),
        RPCMethod(
            "getevents", "What happened, in order; waits for more.",
            [
                Parameter(
                    "from", .integer, required: false, "the first sequence number; 0 for new ones only"),
                Parameter("wait", .integer, required: false, "seconds to wait for one, at most 30"),
                Parameter("max", .integer, required: false, "how many at most"),
            ]),
        RPCMethod(
            "backup", "Copies the database while the node runs, and verifies the copy.",
            [Parameter("directory", .path, "a new directory for the backup")]),
        RPCMethod("uptime", "Seconds since the node started."),
        RPCMethod(
            "help", "All methods, or one.", [Parameter("method", .string, required: false, "a method's name")]
        ),
        RPCMethod("stop", "Stops the node."),
    ]
}
