extension Address {
    /// Reads an address of the network.
    public init(parsing text: String, network: Network) throws(AddressFailure) {
        try self.init(parsing: text, prefix: network.addressPrefix)
    }

    /// The address in small letters, as the network writes it.
    public func text(on network: Network) -> String { text(prefix: network.addressPrefix) }
}
