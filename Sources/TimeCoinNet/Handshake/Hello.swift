public import TimeCoinCore

/// What both sides say first. Another protocol, network or genesis is refused.
public struct Hello: Hashable, Sendable {
    public let protocolVersion: UInt16
    public let network: String
    public let genesis: Hash256
    /// Where this node listens, 0 for nowhere.
    public let listenPort: UInt16
    public let userAgent: String

    public static let currentProtocol: UInt16 = 1
    /// Bytes of an encoded hello at most.
    public static let bytesMax = 256
    private static let magic: [UInt8] = Array("TIME".utf8)
    private static let textBytesMax = 64

    public init(network: String, genesis: Hash256, listenPort: UInt16, userAgent: String) {
        protocolVersion = Hello.currentProtocol
        self.network = network
        self.genesis = genesis
        self.listenPort = listenPort
        self.userAgent = userAgent
    }

    /// Why a peer's hello ends the connection.
    public enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        case malformed
        case otherProtocol(UInt16)
        case otherNetwork(String)
        case otherGenesis(Hash256)
        case ownKey

        public var description: String {
            switch self {
            case .malformed: "its greeting is malformed"
            case .otherProtocol(let version):
                "it speaks protocol \(version), this node \(Hello.currentProtocol)"
            case .otherNetwork(let name): "it is on network \(name)"
            case .otherGenesis(let hash): "its chain begins with genesis \(hash)"
            case .ownKey: "it is this node itself"
            }
        }
    }

    /// Judges a peer's hello against the own one.
    public func accept(
        _ bytes: [UInt8], from key: PublicKey, own: PublicKey
    ) throws(Refusal) -> Hello {
        guard let hello = try? Hello(decoding: bytes) else { throw .malformed }
        guard hello.protocolVersion == protocolVersion else { throw .otherProtocol(hello.protocolVersion) }
        guard hello.network == network else { throw .otherNetwork(hello.network) }
        guard hello.genesis == genesis else { throw .otherGenesis(hello.genesis) }
        guard key != own else { throw .ownKey }
        return hello
    }

    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 128)
        writer.write(raw: Hello.magic)
        writer.write(protocolVersion)
        writer.write(prefixed: Array(network.utf8.prefix(Hello.textBytesMax)))
        writer.write(genesis)
        writer.write(listenPort)
        writer.write(prefixed: Array(userAgent.utf8.prefix(Hello.textBytesMax)))
        return writer.bytes
    }

    public init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        self = try ByteReader.decode(bytes) { reader throws(DecodingFailure) in
            guard try reader.readRaw(Hello.magic.count) == Hello.magic else {
                throw reader.failure(.unknownKind)
            }
            return Hello(
                protocolVersion: try reader.readInteger(),
                network: try reader.readText(), genesis: try reader.readHash(),
                listenPort: try reader.readInteger(), userAgent: try reader.readText())
        }
    }

    private init(
        protocolVersion: UInt16, network: String, genesis: Hash256, listenPort: UInt16, userAgent: String
    ) {
        self.protocolVersion = protocolVersion
        self.network = network
        self.genesis = genesis
        self.listenPort = listenPort
        self.userAgent = userAgent
    }
}

extension ByteReader {
    /// Printable ASCII, so that a peer cannot write into logs what it likes.
    fileprivate mutating func readText() throws(DecodingFailure) -> String {
        let bytes = try readPrefixed(limit: 64)
        guard bytes.allSatisfy({ (32...126).contains($0) }) else { throw failure(.valueOutOfRange) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
