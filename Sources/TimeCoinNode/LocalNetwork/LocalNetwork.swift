import Foundation
public import TimeCoinControl
import TimeCoinCore

/// Several real nodes on this machine: processes, databases, keys and loopback TLS of their own.
public struct LocalNetwork: Sendable {
    /// What a network shall be; `nil` for what it is already, or for the custom with a new one.
    public struct Request: Sendable {
        public var validators: Int?
        public var slotMilliseconds: UInt64?
        public var paymentMilliseconds: UInt64?

        public init(validators: Int?, slotMilliseconds: UInt64?, paymentMilliseconds: UInt64?) {
            self.validators = validators
            self.slotMilliseconds = slotMilliseconds
            self.paymentMilliseconds = paymentMilliseconds
        }
    }

    /// What a local network cannot do.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// How the program is to end.
        public let status: ExitCode
        public let description: String

        init(_ status: ExitCode, _ description: String) {
            self.status = status
            self.description = description
        }
    }

    public static let validatorsMax = 20
    private static let validatorsCustom = 4
    private static let slotMillisecondsCustom: UInt64 = 5000
    private static let paymentMillisecondsCustom: UInt64 = 1000
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

    /// Makes the network on first use, and starts every node that does not run. What an interrupted call left
    /// is completed by the next.
    ///
    /// - Returns: how many nodes there are.
    /// - Throws: ``Failure``, also when the network there is another than requested; faults of the disk.
    public func up(_ request: Request) async throws -> Int {
        try makeDirectory()
        let nodes = try exclusively {
            var record = try existing(request) ?? plan(request)
            if !record.isMade { try make(&record) }
            for index in record.nodes.indices {
                try startUnlessRunning(index, &record)
            }
            return record.nodes
        }
        for node in nodes {
            try await waitForSocket(node)
        }
        return nodes.count
    }

    /// `{"nodes": […]}`, each with what it answers now.
    public func status() async throws -> JSONValue {
        let record = try LocalNetworkRecord(readingFrom: directory)
        var nodes: [JSONValue] = []
        for node in record.nodes {
            let pid = node.running
            let socket = try socket(node)
            let height =
                pid == nil ? nil : try? await ControlClient(socket: socket).call("getblockcount", timeout: 5)
            nodes.append(
                .object([
                    "index": .integer(node.index), "pid": (pid ?? node.pid).map { .integer($0) } ?? .null,
                    "running": .bool(pid != nil), "height": height ?? .null, "socket": .string(socket),
                    "datadir": .string(node.dataDirectory), "p2p": .string("127.0.0.1:\(node.port)"),
                ]))
        }
        return .object(["nodes": .array(nodes)])
    }

    /// SIGKILL, as a crash. Nothing of the process is left on return.
    public func kill(_ index: Int) throws(Failure) {
        let node = try self.node(index, of: try LocalNetworkRecord(readingFrom: directory))
        guard let pid = node.running else { throw Failure(.refused, "node \(index) does not run") }
        Foundation.kill(pid, SIGKILL)
        try expectEnd([pid], of: [node])
    }

    /// Stops the node if it runs, and starts it.
    public func restart(_ index: Int) async throws {
        let restarted = try exclusively {
            var record = try LocalNetworkRecord(readingFrom: directory)
            try stop([try self.node(index, of: record)])
            try startUnlessRunning(index, &record)
            return record.nodes[index]
        }
        try await waitForSocket(restarted)
    }

    /// SIGTERM to all, SIGKILL to what is left after a while; returns when none is left.
    public func down() throws(Failure) {
        try stop(LocalNetworkRecord(readingFrom: directory).nodes)
    }

    private func node(_ index: Int, of record: LocalNetworkRecord) throws(Failure) -> LocalNetworkRecord.Node
    {
        guard record.nodes.indices.contains(index) else {
            throw Failure(
                .usage, "there is no node \(index); they are numbered 0 to \(record.nodes.count - 1)")
        }
        return record.nodes[index]
    }

    /// One command at a time changes the record; others wait for it.
    private func exclusively<Value>(_ body: () throws -> Value) throws -> Value {
        let path = directory + "/localnet.lock"
        guard FileManager.default.fileExists(atPath: directory) else {
            throw Failure(
                .configuration, "there is no local network in \(directory): `localnet up` makes one")
        }
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Failure(.ioError, "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                throw Failure(.ioError, "cannot lock \(path): \(String(cString: strerror(errno)))")
            }
        }
        return try body()
    }

    // MARK: - Making

    private func makeDirectory() throws(Failure) {
        var path = ""
        for name in directory.split(separator: "/") {
            path += "/" + name
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
                throw Failure(.ioError, "cannot make \(path): \(String(cString: strerror(errno)))")
            }
        }
        var isDirectory: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory)
        guard exists, isDirectory.boolValue else {
            throw Failure(.ioError, "\(directory) is no directory")
        }
    }

    /// The network that is there; refuses to take another for it.
    private func existing(_ request: Request) throws(Failure) -> LocalNetworkRecord? {
        let path = LocalNetworkRecord.path(in: directory)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let record = try LocalNetworkRecord(readingFrom: directory)
        var differences: [String] = []
        func compare<Value: Equatable>(_ what: String, _ found: Value, _ wanted: Value?, _ unit: String) {
            guard let wanted, wanted != found else { return }
            differences.append("\(what) is \(found)\(unit), not \(wanted)\(unit)")
        }
        compare("the number of validators", record.nodes.count, request.validators, "")
        compare("the block time", record.slotMilliseconds, request.slotMilliseconds, " ms")
        compare("the payment time", record.paymentMilliseconds, request.paymentMilliseconds, " ms")
        guard differences.isEmpty else {
            throw Failure(
                .configuration,
                "\(directory) holds another network: \(differences.joined(separator: "; ")); "
                    + "leave these options out, or choose another place")
        }
        return record
    }

    /// Decides on a new network and records it, before anything of it is there.
    private func plan(_ request: Request) throws -> LocalNetworkRecord {
        let count = request.validators ?? LocalNetwork.validatorsCustom
        guard (1...LocalNetwork.validatorsMax).contains(count) else {
            throw Failure(.usage, "a local network has 1 to \(LocalNetwork.validatorsMax) validators")
        }
        let slot = request.slotMilliseconds ?? LocalNetwork.slotMillisecondsCustom
        let payment = request.paymentMilliseconds ?? min(LocalNetwork.paymentMillisecondsCustom, slot)
        guard GenesisDocument.slotRange(on: .local).contains(slot), payment <= slot else {
            throw Failure(
                .usage, "a block time of \(slot) ms with a payment time of \(payment) ms is not allowed")
        }
        let ports = try FreePorts.find(count)
        let nodes = (0..<count).map {
            LocalNetworkRecord.Node(
                index: $0, dataDirectory: "\(directory)/node\($0)", port: ports[$0], pid: nil)
        }
        // Keys that somebody made are taken; nothing that is here is ever thrown away.
        for node in nodes where FileManager.default.fileExists(atPath: node.home.root) {
            let hasRun = FileManager.default.fileExists(atPath: node.home.chain)
            guard !hasRun, NodeSetup.complete(node.home, passphrase: []) != nil else {
                throw Failure(
                    .configuration,
                    "\(node.home.root) is there and is no fresh node of this network: choose another place")
            }
        }
        let record = LocalNetworkRecord(slotMilliseconds: slot, paymentMilliseconds: payment, nodes: nodes)
        try record.save(in: directory)
        return record
    }

    /// Makes what is missing of a network none of whose nodes was ever started.
    private func make(_ record: inout LocalNetworkRecord) throws {
        var validators: [GenesisDocument.Validator] = []
        var allocations: [GenesisDocument.Allocation] = []
        for node in record.nodes {
            let identity = try NodeSetup.complete(node.home, passphrase: []) ?? create(node.home)
            validators.append(
                GenesisDocument.Validator(
                    operatorKey: identity.operatorKey, weight: 1, payout: identity.address))
            guard let amount = Amount(units: 10_000 * Amount.unitsPerTime) else { continue }
            allocations += (0..<LocalNetwork.allocationsPerNode).map { _ in
                GenesisDocument.Allocation(address: identity.address, amount: amount)
            }
        }
        let document = GenesisDocument(
            parameters: .local(
                slotMilliseconds: record.slotMilliseconds,
                paymentIntervalMilliseconds: record.paymentMilliseconds),
            time: NodeClock.system.moment.clock, validators: validators, allocations: allocations)
        _ = try document.genesis()
        for node in record.nodes {
            try document.write(to: node.home.genesis)
        }
        record.isMade = true
        try record.save(in: directory)
    }

    /// A half made node never signed anything: its keys are worth nothing.
    private func create(_ home: NodeDirectory) throws -> NodeSetup.Identity {
        if FileManager.default.fileExists(atPath: home.root) {
            try FileManager.default.removeItem(atPath: home.root)
        }
        return try NodeSetup.create(home, passphrase: [])
    }

    // MARK: - Processes

    /// The record is saved before and after, so that an interruption leaves it true or without a number.
    private func startUnlessRunning(_ index: Int, _ record: inout LocalNetworkRecord) throws {
        let node = record.nodes[index]
        if let running = node.running {
            guard running != node.pid else { return }
            record.nodes[index].pid = running
            try record.save(in: directory)
            return
        }
        if let last = node.pid { try expectEnd([last], of: [node]) }
        record.nodes[index].pid = nil
        try record.save(in: directory)
        var arguments = [
            executable, "run", "--datadir", node.dataDirectory, "--network", "local", "--listen",
            "127.0.0.1:\(node.port)",
        ]
        for other in record.nodes where other.index != index {
            arguments += ["--peer", "127.0.0.1:\(other.port)"]
        }
        record.nodes[index].pid = try DetachedProcess.start(arguments, log: node.home.log)
        try record.save(in: directory)
    }

    private func stop(_ nodes: [LocalNetworkRecord.Node]) throws(Failure) {
        let pids = nodes.compactMap(\.running)
        for pid in pids { Foundation.kill(pid, SIGTERM) }
        let left = DetachedProcess.awaitEnd(
            of: pids, dataDirectories: nodes.map(\.dataDirectory), patience: LocalNetwork.stopPatience)
        for pid in left { Foundation.kill(pid, SIGKILL) }
        try expectEnd(left, of: nodes)
    }

    private func expectEnd(_ pids: [Int32], of nodes: [LocalNetworkRecord.Node]) throws(Failure) {
        let left = DetachedProcess.awaitEnd(
            of: pids, dataDirectories: nodes.map(\.dataDirectory), patience: LocalNetwork.stopPatience)
        guard left.isEmpty else {
            throw Failure(
                .temporary,
                "process \(left.map(String.init).joined(separator: ", ")) does not end: try again later")
        }
    }

    private func waitForSocket(_ node: LocalNetworkRecord.Node) async throws {
        let end = Date().addingTimeInterval(LocalNetwork.startPatience)
        while Date() < end {
            let client = ControlClient(socket: try socket(node))
            if (try? await client.call("getblockcount", timeout: 5)) != nil { return }
            DetachedProcess.reap()
            // One that was only just started shows no arguments yet, as one does that ends.
            let isChanging = node.pid.map { DetachedProcess.state($0) == .ending } ?? false
            guard isChanging || node.running != nil else { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Failure(.unreachable, "node \(node.index) did not start; its log is \(node.home.log)")
    }

    private func socket(_ node: LocalNetworkRecord.Node) throws(SocketPath.Failure) -> String {
        try SocketPath.forConnecting(networkDirectory: node.home.root)
    }
}
