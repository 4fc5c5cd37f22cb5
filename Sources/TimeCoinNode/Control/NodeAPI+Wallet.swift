import TimeCoinControl
import TimeCoinCore
import TimeCoinStore

extension NodeAPI {
    func newAddress() async throws -> JSONValue {
        let key = try await withWallet { try await wallet.newKey() }
        return .string(Address(of: key).text(on: network))
    }

    func balance() async throws -> Amount {
        Amount.sum(try await wallet.owned().map(\.output.value)) ?? .maximum
    }

    func unspent() async throws -> JSONValue {
        let owned = try await wallet.owned()
        let tip = try tip().height
        return .array(
            owned.map { item in
                .object([
                    "txid": .string(item.outPoint.transaction.description),
                    "vout": .integer(item.outPoint.index),
                    "address": .string(Address(of: item.key).text(on: network)),
                    "amount": .string(item.output.value.description),
                    "confirmations": .integer(item.height.map { tip - min($0, tip) + 1 } ?? 0),
                ])
            })
    }

    func send(_ parameters: CallParameters) async throws -> JSONValue {
        let address: Address
        do {
            address = try Address(parsing: parameters.string("address") ?? "", network: network)
        } catch {
            throw RPCError(.invalidParameter, "bad-address", "\(error)")
        }
        guard let amount = parameters.token("amount").flatMap({ Amount(decimal: $0) }) else {
            throw TransactionForm.badAmount(parameters.token("amount"))
        }
        let checked = try await withWallet { try await wallet.pay(amount, to: address.lockingScript) }
        return .string(checked.txid.description)
    }

    func unlock(_ parameters: CallParameters) async throws -> JSONValue {
        do {
            try await wallet.unlock(passphrase: Array((parameters.string("passphrase") ?? "").utf8))
        } catch let failure as KeyFailure {
            throw RPCError(.wrongPassphrase, "wrong-passphrase", failure.description)
        }
        return .null
    }

    func lock() async -> JSONValue {
        await wallet.lock()
        return .null
    }

    func withWallet<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let failure as WalletFailure {
            throw failure.asError
        } catch let rejection as MempoolRejection {
            throw rejection.asError
        } catch let rejection as TransactionRejection {
            throw RPCError(.rejected, rejection.rule.rawValue, rejection.detail)
        }
    }
}

extension WalletFailure {
    /// As an answer.
    fileprivate var asError: RPCError {
        switch self {
        case .locked:
            RPCError(
                .unlockNeeded, "wallet-locked", "the wallet is locked",
                hint: "`timecoin-cli wallet unlock` unlocks it")
        case .insufficientFunds(let available, let needed):
            RPCError(
                .insufficientFunds, "insufficient-funds",
                "the wallet can spend \(available), \(needed) are needed",
                hint: "what is being paid may be spendable again after the next block")
        case .dust(let least): RPCError(.invalidParameter, "dust", "the least amount is \(least)")
        case .tooManyInputs:
            RPCError(
                .insufficientFunds, "too-many-inputs", "the amount takes too many small outputs",
                hint: "pay less at once")
        case .tooManyKeys:
            RPCError(.rejected, "too-many-keys", "the wallet has all the keys that it may have")
        }
    }
}
