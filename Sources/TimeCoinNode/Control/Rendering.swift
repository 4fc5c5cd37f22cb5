import TimeCoinConsensus
import TimeCoinControl
import TimeCoinCore
import TimeCoinNet
import TimeCoinStore

/// The chain's values as answers.
struct Rendering {
    let network: Network

    func header(_ header: BlockHeader, hash: Hash256) -> [JSONValue.Member] {
        [
            JSONValue.Member("hash", .string(hash.description)),
            JSONValue.Member("height", .integer(header.height)),
            JSONValue.Member("slot", .integer(header.slot)),
            JSONValue.Member("kind", .string("\(header.kind)")),
            JSONValue.Member(
                "previousblockhash", header.height == 0 ? .null : .string(header.previous.description)),
            JSONValue.Member("time", .integer(header.time.milliseconds)),
            JSONValue.Member("stateroot", .string(header.stateRoot.description)),
            JSONValue.Member("transactionroot", .string(header.transactionRoot.description)),
            JSONValue.Member("witnessroot", .string(header.witnessRoot.description)),
            JSONValue.Member("validators", .string(header.validators.description)),
            JSONValue.Member("nextvalidators", .string(header.nextValidators.description)),
            JSONValue.Member("evidenceroot", .string(header.evidenceRoot.description)),
            JSONValue.Member("attestationroot", .string(header.attestationRoot.description)),
            JSONValue.Member("proposer", .string(header.proposer.description)),
        ]
    }

    /// - Parameter withTransactions: whole instead of by their identifiers.
    func block(
        _ block: CheckedBlock, certificate: Certificate?, validators: ValidatorSet?,
        withTransactions: Bool = false
    ) -> JSONValue {
        .object(
            header(block.header, hash: block.hash) + [
                JSONValue.Member("size", .integer(block.size)),
                JSONValue.Member(
                    "tx",
                    .array(
                        block.transactions.map {
                            withTransactions ? transaction($0) : .string($0.txid.description)
                        })),
                JSONValue.Member("round", certificate.map { .integer($0.round) } ?? .null),
                JSONValue.Member(
                    "certificate", certificate.map { self.certificate($0, validators) } ?? .null),
            ])
    }

    private func certificate(_ certificate: Certificate, _ validators: ValidatorSet?) -> JSONValue {
        let members = validators?.members ?? []
        let signers = certificate.signers.filter { $0 < members.count }.map { members[$0] }
        return .object([
            "height": .integer(certificate.height), "round": .integer(certificate.round),
            "block": .string(certificate.value.description),
            "signers": .array(signers.map { .string($0.operatorKey.description) }),
            "weight": .integer(signers.reduce(UInt64(0)) { $0 + $1.weight }),
            "total": .integer(validators?.totalWeight ?? 0),
            "bytes": .string(Hexadecimal.encode(certificate.encoded)),
        ])
    }

    func transaction(_ checked: CheckedTransaction) -> JSONValue {
        let transaction = checked.transaction
        return .object([
            "txid": .string(checked.txid.description), "wtxid": .string(checked.wtxid.description),
            "size": .integer(checked.size), "version": .integer(transaction.version),
            "kind": .string("\(transaction.kind)"), "locktime": .integer(transaction.lockTime),
            "vin": .array(
                transaction.inputs.map {
                    .object([
                        "txid": .string($0.previous.transaction.description),
                        "vout": .integer($0.previous.index),
                        "script": .string(Hexadecimal.encode($0.unlocking.bytes)),
                        "sequence": .integer($0.sequence),
                    ])
                }),
            "vout": .array(
                transaction.outputs.enumerated().map { index, output in
                    .object([
                        "n": .integer(index), "value": .string(output.value.description),
                        "address": .optional(Address(lockingScript: output.locking)?.text(on: network)),
                        "type": .string(StandardScript(output.locking).name),
                        "script": .string(Hexadecimal.encode(output.locking.bytes)),
                    ])
                }),
            "hex": .string(Hexadecimal.encode(transaction.encoded)),
        ])
    }

    /// An unspent output; one that waits has no confirmations.
    func output(_ entry: OutputEntry, tip: Height) -> [JSONValue.Member] {
        let locking = entry.output.locking
        let isFinal = entry.height <= tip
        return [
            JSONValue.Member("confirmations", .integer(isFinal ? tip - entry.height + 1 : 0)),
            JSONValue.Member("height", isFinal ? .integer(entry.height) : .null),
            JSONValue.Member("value", .string(entry.output.value.description)),
            JSONValue.Member("address", .optional(Address(lockingScript: locking)?.text(on: network))),
            JSONValue.Member("type", .string(StandardScript(locking).name)),
            JSONValue.Member("script", .string(Hexadecimal.encode(locking.bytes))),
            JSONValue.Member("kind", .string("\(entry.kind)")),
            JSONValue.Member("position", isFinal ? .integer(entry.position) : .null),
        ]
    }

    func peer(_ peer: PeerInfo) -> JSONValue {
        .object([
            "id": .string(peer.key.description), "address": .string(peer.address),
            "direction": .string(peer.isDialled ? "outbound" : "inbound"), "agent": .string(peer.userAgent),
            "connected": .integer(peer.connectedAt.milliseconds), "bytesin": .integer(peer.bytesIn),
            "bytesout": .integer(peer.bytesOut),
            "pingmicroseconds": peer.pingMicroseconds.map { .integer($0) } ?? .null,
        ])
    }

    func event(_ event: EventLog.Event) -> JSONValue {
        let sequence = JSONValue.Member("sequence", .integer(event.sequence))
        let rest: [JSONValue.Member] =
            switch event.content {
            case .block(let header, let hash, let transactions, let round):
                [JSONValue.Member("type", .string("block"))] + self.header(header, hash: hash) + [
                    JSONValue.Member("round", .integer(round)),
                    JSONValue.Member("tx", .array(transactions.map { .string($0.description) })),
                ]
            case .accepted(let txid):
                [
                    JSONValue.Member("type", .string("accepted")),
                    JSONValue.Member("txid", .string(txid.description)),
                ]
            case .dropped(let txid, let reason):
                [
                    JSONValue.Member("type", .string("dropped")),
                    JSONValue.Member("txid", .string(txid.description)),
                    JSONValue.Member("reason", .string(reason)),
                ]
            case .round(let height, let round):
                [
                    JSONValue.Member("type", .string("round")), JSONValue.Member("height", .integer(height)),
                    JSONValue.Member("round", .integer(round)),
                ]
            case .misbehaviour(let member):
                [
                    JSONValue.Member("type", .string("misbehaviour")),
                    JSONValue.Member("member", .string(member.description)),
                ]
            case .fork(let height, let proof):
                [
                    JSONValue.Member("type", .string("fork")), JSONValue.Member("height", .integer(height)),
                    JSONValue.Member("proof", .string(proof.description)),
                ]
            case .damaged(let record):
                [
                    JSONValue.Member("type", .string("damaged")),
                    JSONValue.Member("table", .string(record.table)),
                    JSONValue.Member("key", .string(Hexadecimal.encode(record.key))),
                ]
            }
        return .object([sequence] + rest)
    }
}
