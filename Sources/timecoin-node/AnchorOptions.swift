import ArgumentParser
import TimeCoinControl
import TimeCoinCore
import TimeCoinNode

/// What is trusted when something is verified offline.
struct AnchorOptions: ParsableArguments {
    @OptionGroup var node: NodeOptions
    @Option(help: "Genesis file to trust; by default that of the node's directory.") var genesis: String?
    @Option(help: "Hash of the genesis block; with --validators, instead of a file.") var chain: String?
    @Option(help: "Hash of the validator set of the height.") var validators: String?
    @Option(help: "The first height that this set is trusted for.") var from: UInt64 = 0

    func anchor() throws -> TrustAnchor {
        if chain != nil || validators != nil {
            guard let chain = chain.flatMap({ Hash256(hex: $0) }),
                let validators = validators.flatMap({ Hash256(hex: $0) })
            else {
                throw ParsedFailure(
                    description: "--chain and --validators go together, each of 64 hexadecimal digits")
            }
            return TrustAnchor(chain: chain, validators: validators, from: from)
        }
        let state = try GenesisDocument(reading: genesis ?? node.directory.genesis).genesis().state
        return TrustAnchor(chain: state.chain, validators: state.validators.hash)
    }
}
