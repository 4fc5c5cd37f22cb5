/// A store of which a copy can be made while it is used.
public protocol ChainCopying: Sendable {
    /// Writes a copy of everything committed into a directory that is created; durable on return. A block
    /// committed meanwhile is in it whole or not at all. It keeps the instance number.
    ///
    /// It holds one view for as long as it runs: pages freed meanwhile are not reused, so that the file of a
    /// busy store grows.
    ///
    /// - Parameter directory: does not exist yet.
    /// - Throws: ``StoreFailure``: `exists`, `io`, `full`, `corrupt`. What was written by then is left there.
    func copy(to directory: String) throws(StoreFailure)
}

extension ChainStore: ChainCopying {
    /// Name of the file that LMDB keeps a database in.
    public static let fileName = "data.mdb"

    public func copy(to directory: String) throws(StoreFailure) {
        let files = PosixFileSystem()
        guard try files.names(in: directory) == nil else {
            throw StoreFailure(.exists, "\(directory) is there already")
        }
        try files.createDirectory(directory)
        try environment.copy(to: directory)
        try files.open("\(directory)/\(ChainStore.fileName)", creating: false).sync()
        try files.syncDirectory(directory)
    }
}
