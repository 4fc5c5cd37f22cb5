extension ChainState {
    /// The form in which a store keeps the state beside the tip.
    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 1024)
        header.encode(into: &writer)
        writer.write(chain)
        writer.write(genesisTime.milliseconds)
        commitment.encode(into: &writer)
        writer.write(outputCount)
        registry.encode(into: &writer)
        accruals.encode(into: &writer)
        supply.encode(into: &writer)
        writer.write(seed)
        parameters.encode(into: &writer)
        if let recovery { writer.write(recovery) }
        return writer.bytes
    }

    public init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            let header = try BlockHeader(from: &reader)
            return ChainState(
                header: header,
                headerHash: header.hash,
                chain: try reader.readHash(),
                genesisTime: Timestamp(milliseconds: try reader.readInteger()),
                commitment: try OutputCommitment(from: &reader),
                outputCount: try reader.readInteger(),
                registry: try Registry(from: &reader),
                accruals: try Accruals(from: &reader),
                supply: try Supply(from: &reader),
                seed: try reader.readHash(),
                parameters: try ChainParameters(from: &reader),
                recovery: reader.remaining > 0 ? try reader.readHash() : nil)
        }
    }
}
