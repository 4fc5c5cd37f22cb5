import Foundation
import TimeCoinControl
import TimeCoinCore

/// What is known of a local network between two commands.
struct LocalNetworkRecord {
    struct Node {
        let index: Int
        let dataDirectory: String
        let port: Int
        var pid: Int32?

        var home: NodeDirectory { NodeDirectory(dataDirectory: dataDirectory, network: .local) }

        /// The node's process. A command that was interrupted may have started one and not have told it.
        var running: Int32? {
            if let pid, DetachedProcess.isNode(pid, dataDirectory: dataDirectory) { return pid }
            return DetachedProcess.node(dataDirectory: dataDirectory)
        }
    }

    let slotMilliseconds: UInt64
    let paymentMilliseconds: UInt64
    /// Keys and genesis of all nodes are there. Until then no node was ever started.
    var isMade: Bool
    var nodes: [Node]

    static func path(in directory: String) -> String { directory + "/localnet.json" }

    init(slotMilliseconds: UInt64, paymentMilliseconds: UInt64, nodes: [Node]) {
        self.slotMilliseconds = slotMilliseconds
        self.paymentMilliseconds = paymentMilliseconds
        self.nodes = nodes
        isMade = false
    }

    init(readingFrom directory: String) throws(LocalNetwork.Failure) {
        let path = LocalNetworkRecord.path(in: directory)
        guard FileManager.default.fileExists(atPath: path) else {
            throw LocalNetwork.Failure(
                .configuration, "there is no local network in \(directory): `localnet up` makes one")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw LocalNetwork.Failure(.ioError, "cannot read \(path)")
        }
        guard let json = try? JSONValue(parsing: Array(data)), let record = LocalNetworkRecord(json: json)
        else {
            throw LocalNetwork.Failure(.ioError, "\(path) is damaged: remove \(directory)")
        }
        self = record
    }

    private init?(json: JSONValue) {
        guard let slot = json["slot"]?.integer.flatMap({ UInt64(exactly: $0) }),
            let payment = json["paymentInterval"]?.integer.flatMap({ UInt64(exactly: $0) }),
            let isMade = json["made"]?.bool, let list = json["nodes"]?.array,
            (1...LocalNetwork.validatorsMax).contains(list.count)
        else { return nil }
        slotMilliseconds = slot
        paymentMilliseconds = payment
        self.isMade = isMade
        nodes = list.enumerated().compactMap { index, item in
            guard let data = item["datadir"]?.string,
                let port = item["port"]?.integer.flatMap({ UInt16(exactly: $0) })
            else { return nil }
            let pid = item["pid"]?.integer.flatMap { Int32(exactly: $0) }
            return Node(index: index, dataDirectory: data, port: Int(port), pid: pid)
        }
        guard nodes.count == list.count else { return nil }
    }

    /// Replaces the record at once.
    func save(in directory: String) throws(KeyFailure) {
        let list = nodes.map { node in
            JSONValue.object([
                "index": .integer(node.index), "datadir": .string(node.dataDirectory),
                "port": .integer(node.port), "pid": node.pid.map { .integer($0) } ?? .null,
            ])
        }
        try KeyFile.write(
            .object([
                "slot": .integer(slotMilliseconds), "paymentInterval": .integer(paymentMilliseconds),
                "made": .bool(isMade), "nodes": .array(list),
            ]), to: LocalNetworkRecord.path(in: directory))
    }
}
