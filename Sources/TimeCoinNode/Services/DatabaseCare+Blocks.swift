import Logging
import Synchronization
import TimeCoinConsensus
import TimeCoinCore
import TimeCoinStore

/// Blocks that come again from peers.
extension DatabaseCare {
    /// Asks for the next block, if one is wanted.
    func pulse(peers connected: () -> [PeerKey], at now: Instant) {
        let isIdle = state.withLock { $0.wanted.isEmpty }
        guard !isIdle else { return }
        let keys = connected().sorted()
        guard let request = state.withLock({ $0.wanted.request(of: keys, at: now) }) else { return }
        peers.send(.blockRequest(id: request.id, start: request.height, count: 1), to: request.peer)
    }

    func expects(_ id: UInt64, from peer: PeerKey) -> Bool {
        state.withLock { $0.wanted.expects(id, from: peer) }
    }

    /// Takes an answer: the block is written if it is the one of this chain, with a certificate of it by the
    /// set of its height. Any other answer is dropped, and another peer is asked.
    func take(_ items: [[UInt8]], id: UInt64, from peer: PeerKey) {
        guard let height = state.withLock({ $0.wanted.answered(id, by: peer) }) else { return }
        guard items.count == 1, let encoded = try? EncodedCertifiedBlock(decoding: items[0]) else {
            return refuse(height, peer, "not one block")
        }
        do {
            guard try isCertified(encoded, at: height) else {
                return refuse(height, peer, "its certificate does not prove it")
            }
            let block = StoredBlock(
                height: height, block: encoded.block, certificate: encoded.certificate)
            for record in try store.restore(block) { close(record) }
        } catch let failure as StoreFailure where failure.code == .invalidCommit {
            return refuse(height, peer, failure.message)
        } catch {
            return events.fail(error)
        }
        logger.notice(
            "a damaged block came again", metadata: ["height": "\(height)", "peer": "\(peer)"])
        let waited = state.withLock { state in
            state.wanted.have(height)
            return (state.waiting.removeValue(forKey: height) ?? []).filter {
                state.open.contains($0.record)
            }
        }
        _ = treat(waited)
    }

    private func refuse(_ height: Height, _ peer: PeerKey, _ reason: String) {
        logger.warning(
            "refused a block that came again",
            metadata: ["height": "\(height)", "peer": "\(peer)", "reason": "\(reason)"])
    }

    /// Genesis needs none: it is known by its hash, which the store compares.
    private func isCertified(_ encoded: EncodedCertifiedBlock, at height: Height) throws -> Bool {
        guard height > 0 else { return true }
        let prefix = Array(encoded.block.prefix(BlockHeader.byteCount))
        guard
            let header = try? ByteReader.decode(
                prefix, { reader throws(DecodingFailure) in try BlockHeader(from: &reader) }),
            header.height == height,
            let validators = try store.snapshot({ try $0.validatorSet(header.validators) })
        else { return false }
        return votingChains.contains { chain in
            let certified = try? CertifiedBlock(
                decoding: encoded.block, certificate: encoded.certificate, validators: validators,
                chain: chain)
            return certified != nil
        }
    }
}
