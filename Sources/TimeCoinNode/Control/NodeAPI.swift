import TimeCoinConsensus
import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

/// Answers the calls of the control protocol.
struct NodeAPI: CallAnswering {
    let core: NodeCore
    let store: any ChainStoring
    /// Path of the database's file.
    let database: String
    let wallet: Wallet
    let intake: TransactionIntake
    let peers: PeerLink
    let events: EventLog
    let stop: StopRequest
    let network: Network
    let started: Instant
    let clock: NodeClock
    var care: DatabaseCare?
    let backup: DatabaseBackup

    func answer(_ request: RPCRequest) async -> Result<JSONValue, RPCError> {
        do {
            guard let method = RPCMethod.named(request.method) else {
                throw RPCError(
                    .unknownMethod, "unknown-method", "there is no method \(request.method)",
                    hint: "`help` lists the methods")
            }
            return .success(try await call(method, try CallParameters(request.parameters, of: method)))
        } catch let error as RPCError {
            return .failure(error)
        } catch let failure as StoreFailure where failure.code == .io || failure.code == .corrupt {
            FaultReport(events, care: care).report(failure)
            return .failure(RPCError(.internalError, "store-fault", "\(failure)"))
        } catch {
            return .failure(RPCError(.internalError, "internal-error", "\(error)"))
        }
    }

    private func call(_ method: RPCMethod, _ parameters: CallParameters) async throws -> JSONValue {
        switch method.name {
        case "getblockcount": .integer(try tip().height)
        case "getbestblockhash": .string(try tip().hash.description)
        case "getblockhash": try blockHash(parameters)
        case "getblock": try block(parameters)
        case "getblockheader": try header(parameters)
        case "getblockchaininfo": try await chainInfo()
        case "getrawtransaction": try await rawTransaction(parameters)
        case "gettransaction": try await transaction(parameters)
        case "sendrawtransaction": try await sendRaw(parameters)
        case "gettxoutproof": try transactionProof(parameters)
        case "verifytxoutproof": try verifyTransactionProof(parameters)
        case "gettxout": try await unspentOutput(parameters)
        case "gettxoutsetinfo": try outputSetInfo()
        case "getaddressbalance": try addressBalance(parameters)
        case "getaddressutxos": try addressOutputs(parameters)
        case "getaddresshistory": try addressHistory(parameters)
        case "getoutputproof": try outputProof(parameters)
        case "getvalidatorpath": try validatorPath(parameters)
        case "verifyoutputproof": try verifyOutputProof(parameters)
        case "getfinalityproof": try finalityProof(parameters)
        case "verifyfinalityproof": try verifyFinalityProof(parameters)
        case "createrawtransaction": try createTransaction(parameters)
        case "signrawtransactionwithwallet": try await signTransaction(parameters)
        case "combinerawtransaction": try await combineTransactions(parameters)
        case "testmempoolaccept": try await testAcceptance(parameters)
        case "decodescript": try decodeScript(parameters)
        case "createmultisig": try createMultisignature(parameters)
        case "getaddressinfo": try await addressInfo(parameters)
        case "decoderawtransaction": Rendering(network: network).transaction(try decoded(parameters))
        case "getmempoolinfo": await mempoolInfo()
        case "getmempoolentry": try await mempoolEntry(parameters)
        case "estimatesmartfee": try await feeEstimate(parameters)
        case "getrawmempool":
            .array(await core.read { $0.mempool.transactionIDs }.map { .string($0.description) })
        case "getpeerinfo": .array(peers.peers.map { Rendering(network: network).peer($0) })
        case "getconsensusinfo": await consensusInfo()
        case "getconsensusstatus": await consensusStatus()
        case "getstorageinfo": try storageInfo()
        case "getvalidators": await validators()
        case "getnewaddress": try await newAddress()
        case "getbalance": .string(try await balance().description)
        case "listunspent": try await unspent()
        case "sendtoaddress": try await send(parameters)
        case "validateaddress": validate(parameters)
        case "walletpassphrase": try await unlock(parameters)
        case "walletlock": await lock()
        case "getevents": try await events(parameters)
        case "uptime": .integer((clock.moment.instant.milliseconds - started.milliseconds) / 1000)
        case "backup": try await makeBackup(parameters)
        case "help": help(parameters)
        case "stop": stopNode()
        default: throw RPCError(.unknownMethod, "unknown-method", "there is no method \(method.name)")
        }
    }

    func tip() throws -> ChainTip {
        guard let tip = try store.snapshot({ try $0.tip() }) else {
            throw RPCError(.warmingUp, "warming-up", "the chain is not open yet")
        }
        return tip
    }

    private func stopNode() -> JSONValue {
        stop.request()
        return .string("stopping")
    }

    func delivered() {
        stop.stopIfRequested()
    }

    private func help(_ parameters: CallParameters) -> JSONValue {
        if let name = parameters.string("method"), let method = RPCMethod.named(name) {
            let lines = method.parameters.map { "  \($0.name) (\($0.kind.rawValue)): \($0.summary)" }
            return .string(([method.usage, method.summary] + lines).joined(separator: "\n"))
        }
        return .string(RPCMethod.all.map { "\($0.usage) — \($0.summary)" }.joined(separator: "\n"))
    }

    private func validate(_ parameters: CallParameters) -> JSONValue {
        let text = parameters.string("address") ?? ""
        do {
            let address = try Address(parsing: text, network: network)
            return .object([
                "isvalid": .bool(true), "address": .string(address.text(on: network)),
                "script": .string(Hexadecimal.encode(address.lockingScript.bytes)),
            ])
        } catch {
            return .object(["isvalid": .bool(false), "error": .string("\(error)")])
        }
    }

    private func events(_ parameters: CallParameters) async throws -> JSONValue {
        let from = UInt64(max(0, try parameters.integer("from") ?? 0))
        let wait = min(max(0, try parameters.integer("wait") ?? 0), 30)
        let most = min(max(1, try parameters.integer("max") ?? 100), 1000)
        let start = from == 0 ? events.events(from: .max, max: 1).next : from
        if wait > 0 {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await events.wait(for: start) }
                group.addTask { try? await Task.sleep(for: .seconds(wait)) }
                await group.next()
                group.cancelAll()
            }
        }
        let found = events.events(from: start, max: Int(most))
        return .object([
            "next": .integer(found.next), "lagged": .bool(found.lagged),
            "events": .array(found.events.map { Rendering(network: network).event($0) }),
        ])
    }
}
