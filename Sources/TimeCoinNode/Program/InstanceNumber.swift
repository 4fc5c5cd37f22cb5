package import TimeCoinStore

/// The number that a signer's record and the database beside it share, so that neither is taken for another
/// node's, or for the one of before this node was set up anew.
package enum InstanceNumber {
    /// How the database of a node is opened: a new one gets the number of the signer's record.
    ///
    /// - Throws: ``StoreFailure`` of a record that cannot be read: nothing may be signed with it.
    package static func storeOptions(_ directory: NodeDirectory) throws -> StoreOptions {
        var options = StoreOptions()
        options.instance = try SignRecordFile.instance(in: directory.signRecord)
        return options
    }

    /// Why nothing may be signed with this record beside this database, and what to do; `nil` when they
    /// belong together.
    static func refusal(record: UInt64, at path: String, database: UInt64, in chain: String) -> String? {
        guard record != database else { return nil }
        return "the signer's record in \(path) belongs to the instance \(record), the database in \(chain) "
            + "to the instance \(database): one of them comes from elsewhere; put back the record that "
            + "belongs to this database, or move the database away and let the node fetch the chain again"
    }
}
