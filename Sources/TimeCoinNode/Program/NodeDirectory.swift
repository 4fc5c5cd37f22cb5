import Foundation
public import TimeCoinCore

/// Where everything of a node lies, below `<datadir>/<network>`.
public struct NodeDirectory: Sendable {
    public let dataDirectory: String
    public let network: Network

    public init(dataDirectory: String, network: Network) {
        self.dataDirectory = (dataDirectory as NSString).standardizingPath
        self.network = network
    }

    public var root: String { dataDirectory + "/" + network.rawValue }
    var nodeKey: String { root + "/node.key" }
    var operatorKey: String { root + "/operator.key" }
    var wallet: String { root + "/wallet.key" }
    public var genesis: String { root + "/genesis.json" }
    var chain: String { root + "/chain" }
    public var journal: String { root + "/journal" }
    var signRecord: String { root + "/sign" }
    var submissions: String { root + "/submitted" }
    var evidence: String { root + "/evidence" }
    var mempool: String { root + "/mempool" }
    public var log: String { root + "/node.log" }
}
