import Foundation
public import TimeCoinControl
import TimeCoinCore

/// Several real nodes on this machine: processes, databases, keys and loopback TLS of their own.
public struct LocalNetwork: Sendable {
    public struct Options: Sendable {
        public var validators: Int
        public var slotMilliseconds: UInt64
        public var paymentMilliseconds: UInt64

        public init(validators: Int, slotMilliseconds: UInt64, paymentMilliseconds: UInt64) {
            self.validators = validators
            self.slotMilliseconds = slotMilliseconds
            self.paymentMilliseconds = paymentMilliseconds
        }
    }

    /// What a local network cannot do.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    public static let validatorsMax = 20
    /// Outputs allocated to each node's wallet, so that many payments can be made at once.
    private static let allocationsPerNode = 100
    private static let startPatience = 20.0
    private static let stopPatience = 10.0

    let directory: String
    /// The program that runs a node.
    let executable: String

    public init(directory: String, executable: String) {
        self.directory = (directory as NSString).standardizingPath
        self.executable = executable
    }

    // MARK: - Commands

    /// Makes the network on first use, and starts every node that does not run.
    public func up(_ options: Options) async throws {
        var record = try existing(options) ?? create(options)
        for index in record.nodes.indices where !record.nodes[index].isRunning {
            record.nodes[index].pid = try start(record, index)
        }
        try save(record)
        for node in record.nodes {
            try await waitForSocket(node)
        }
    }

    /// `{"nodes": […]}`, each with what it answers now.
    public func status() async throws -> JSONValue {
        let record = try load()
        var nodes: [JSONValue] = []
        for node in record.nodes {
            let isRunning = node.isRunning
            let height =
                isRunning
                ? try? await ControlClient(socket: socket(node)).call("getblockcount", timeout: 5) : nil
            nodes.append(
                .object([
                    "index": .integer(node.index), "pid": node.pid.map { .integer($0) } ?? .null,
                    "running": .bool(isRunning), "height": height ?? .null, "socket": .string(socket(node)),
                    "datadir": .string(node.dataDirectory), "p2p": .string("127.0.0.1:\(node.port)"),
                ]))
        }
        return .object(["nodes": .array(nodes)])
    }

    /// SIGKILL, as a crash.
    public func kill(_ index: Int) throws {
        let node = try self.node(index)
        guard let pid = node.pid, node.isRunning else {
            throw Failure(description: "node \(index) does not run")
        }
        Foundation.kill(pid, SIGKILL)
        awaitEnd(of: [node], patience: LocalNetwork.stopPatience)
    }

    /// Stops the node if it runs, and starts it.
    public func restart(_ index: Int) async throws {
        let node = try self.node(index)
        stop([node])
        var record = try load()
        record.nodes[index].pid = try start(record, index)
        try save(record)
        try await waitForSocket(record.nodes[index])
    }

    /// SIGTERM to all, SIGKILL to what is left after a while; returns when none is left.
    public func down() throws {
        stop(try load().nodes)
    }

    // MARK: - Making

    private func create(_ options: Options) throws -> Record {
        guard (1...LocalNetwork.validatorsMax).contains(options.validators) else {
            throw Failure(description: "a local network has 1 to \(LocalNetwork.validatorsMax) validators")
        }
        var nodes: [Record.Node] = []
        var validators: [GenesisDocument.Validator] = []
        var allocations: [GenesisDocument.Allocation] = []
        let ports = try FreePorts.find(options.validators)
        for index in 0..<options.validators {
            let data = "\(directory)/node\(index)"
            let home = NodeDirectory(dataDirectory: data, network: .local)
            let identity = try NodeSetup.create(home, passphrase: [])
            validators.append(
                GenesisDocument.Validator(
                    operatorKey: identity.operatorKey, weight: 1, payout: identity.address))
            guard let amount = Amount(units: 10_000 * Amount.unitsPerTime) else { continue }
            allocations += (0..<LocalNetwork.allocationsPerNode).map { _ in
                GenesisDocument.Allocation(address: identity.address, amount: amount)
            }
            nodes.append(Record.Node(index: index, dataDirectory: data, port: ports[index], pid: nil))
        }
        let document = GenesisDocument(
            parameters: .local(
                slotMilliseconds: options.slotMilliseconds,
                paymentIntervalMilliseconds: options.paymentMilliseconds),
            time: NodeClock.system.moment.clock, validators: validators, allocations: allocations)
        _ = try document.genesis()
        for node in nodes {
            try document.write(to: NodeDirectory(dataDirectory: node.dataDirectory, network: .local).genesis)
        }
        return Record(nodes: nodes)
    }

    private func existing(_ options: Options) throws -> Record? {
        guard FileManager.default.fileExists(atPath: recordPath) else { return nil }
        let record = try load()
        guard record.nodes.count == options.validators else {
            throw Failure(
                description:
                    "\(directory) holds a network of \(record.nodes.count); use that number, or another place"
            )
        }
        return record
    }

    // MARK: - Processes

    private func start(_ record: Record, _ index: Int) throws -> Int32 {
        let node = record.nodes[index]
        var arguments = [
            executable, "run", "--datadir", node.dataDirectory, "--network", "local", "--listen",
            "127.0.0.1:\(node.port)",
        ]
        for other in record.nodes where other.index != index {
            arguments += ["--peer", "127.0.0.1:\(other.port)"]
        }
        return try DetachedProcess.start(
            arguments, log: NodeDirectory(dataDirectory: node.dataDirectory, network: .local).log)
    }

    private func stop(_ nodes: [Record.Node]) {
        for node in nodes {
            if let pid = node.pid, node.isRunning { Foundation.kill(pid, SIGTERM) }
        }
        awaitEnd(of: nodes, patience: LocalNetwork.stopPatience)
        for node in nodes {
            if let pid = node.pid, node.isRunning { Foundation.kill(pid, SIGKILL) }
        }
        awaitEnd(of: nodes, patience: LocalNetwork.stopPatience)
    }

    private func awaitEnd(of nodes: [Record.Node], patience: Double) {
        let end = Date().addingTimeInterval(patience)
        while nodes.contains(where: \.isRunning), Date() < end {
            DetachedProcess.reap()
            usleep(20_000)
        }
        DetachedProcess.reap()
    }

    private func waitForSocket(_ node: Record.Node) async throws {
        let end = Date().addingTimeInterval(LocalNetwork.startPatience)
        while Date() < end {
            if (try? await ControlClient(socket: socket(node)).call("getblockcount", timeout: 5)) != nil {
                return
            }
            DetachedProcess.reap()
            guard node.isRunning else { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        let log = NodeDirectory(dataDirectory: node.dataDirectory, network: .local).log
        throw Failure(description: "node \(node.index) did not start; its log is \(log)")
    }

    private func socket(_ node: Record.Node) -> String {
        SocketPath.forConnecting(
            networkDirectory: NodeDirectory(dataDirectory: node.dataDirectory, network: .local).root)
    }

    // MARK: - The record

    /// What is known of the network between two commands.
    struct Record {
        struct Node {
            let index: Int
            let dataDirectory: String
            let port: Int
            var pid: Int32?

            /// Whether the process is still this node and not another that got its number.
            var isRunning: Bool {
                guard let pid else { return false }
                return DetachedProcess.isRunning(pid, argument: dataDirectory)
            }
        }

        var nodes: [Node]
    }

    private var recordPath: String { directory + "/localnet.json" }

    private func node(_ index: Int) throws -> Record.Node {
        let record = try load()
        guard record.nodes.indices.contains(index) else {
            throw Failure(
                description: "there is no node \(index); they are numbered 0 to \(record.nodes.count - 1)")
        }
        return record.nodes[index]
    }

    private func save(_ record: Record) throws {
        let json = JSONValue.object([
            "nodes": .array(
                record.nodes.map {
                    .object([
                        "index": .integer($0.index), "datadir": .string($0.dataDirectory),
                        "port": .integer($0.port),
                        "pid": $0.pid.map { .integer($0) } ?? .null,
                    ])
                })
        ])
        try KeyFile.write(json, to: recordPath)
    }

    private func load() throws -> Record {
        guard let data = FileManager.default.contents(atPath: recordPath) else {
            throw Failure(description: "there is no local network in \(directory): `localnet up` makes one")
        }
        guard let list = try? JSONValue(parsing: Array(data))["nodes"]?.array else {
            throw Failure(description: "\(recordPath) is damaged")
        }
        let nodes = list.compactMap { item -> Record.Node? in
            guard let index = item["index"]?.integer, let data = item["datadir"]?.string,
                let port = item["port"]?.integer
            else { return nil }
            return Record.Node(
                index: Int(index), dataDirectory: data, port: Int(port),
                pid: item["pid"]?.integer.map { Int32($0) })
        }
        return Record(nodes: nodes)
    }
}
