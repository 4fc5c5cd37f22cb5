package import TimeCoinConsensus
package import TimeCoinCore

/// What a start concludes from the files that it finds.
package enum NodeRecovery {
    /// The height at which this member signed last, by the signer's record, when its journal is gone, or is
    /// not read since another height is the next: the chain is then an older copy. Locks may be forgotten, so
    /// nothing may be signed up to there any more.
    package static func lostHeight(
        _ entries: [JournalEntry], _ last: SignerPosition?, above height: Height
    ) -> Height? {
        guard let last, last.height > height else { return nil }
        return entries.isEmpty || last.height - height > 1 ? last.height : nil
    }
}

extension Reactor {
    /// Puts back what the journal kept of the height being decided.
    package mutating func replay(_ entries: [JournalEntry], check: SignatureCheck = .ed25519) {
        var values: [CheckedBlock] = []
        var records: [TimeCoinConsensus.JournalRecord] = []
        for entry in entries {
            switch entry {
            case .value(let bytes):
                if let block = try? CheckedBlock(decoding: bytes) { values.append(block) }
            case .record(let record): records.append(record)
            }
        }
        replay(values: values, records: records, check: check)
    }

    /// Things that are held for peers and members: what grows when they send much.
    package var footprint: Int {
        machine.footprint + early.count + wanted.count + unseen.count + contents.count + executed.count
            + judging.count + positions.count
    }

    /// Whether an answer of this number is waited for from the peer.
    package func expectsBlocks(_ id: UInt64, from peer: PeerKey) -> Bool {
        catchUp.expects(id, from: peer)
    }
}
