import NIOCore

/// A message as it travels: a type and opaque bytes.
struct Frame: Sendable, Equatable {
    let type: UInt8
    let payload: ByteBuffer
}

/// Why bytes are not a frame that is wanted now. The connection is closed.
enum FrameRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownType(UInt8)
    case tooLong(type: UInt8, claimed: UInt32, limit: Int)

    var description: String {
        switch self {
        case .unknownType(let type): "a frame of unknown type \(type)"
        case .tooLong(let type, let claimed, let limit):
            "a frame of type \(type) claims \(claimed) bytes, at most \(limit) are taken"
        }
    }
}

/// Cuts bytes into frames: four bytes of length (little endian, of the payload), one of type, the payload.
///
/// The declared length is refused before anything is kept for it. Until the greeting is over only the
/// greeting's type
/// is admitted.
struct FrameDecoder: ByteToMessageDecoder {
    typealias InboundOut = Frame

    private let limits: FrameLimits
    private let isGreeted: () -> Bool

    init(limits: FrameLimits, isGreeted: @escaping () -> Bool) {
        self.limits = limits
        self.isGreeted = isGreeted
    }

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let frame = try next(&buffer) else { return .needMoreData }
        context.fireChannelRead(wrapInboundOut(frame))
        return .continue
    }

    mutating func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        // What is left at the end of a connection is half a frame; nobody waits for it.
        .needMoreData
    }

    func next(_ buffer: inout ByteBuffer) throws(FrameRefusal) -> Frame? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, endianness: .little, as: UInt32.self),
            let type = buffer.getInteger(at: buffer.readerIndex + 4, as: UInt8.self)
        else { return nil }
        guard let limit = limits[type], isGreeted() || type == FrameLimits.hello else {
            throw .unknownType(type)
        }
        guard length <= UInt32(limit.payloadMax) else {
            throw .tooLong(type: type, claimed: length, limit: limit.payloadMax)
        }
        let total = FrameLimits.headerByteCount + Int(length)
        guard buffer.readableBytes >= total, var frame = buffer.readSlice(length: total) else { return nil }
        frame.moveReaderIndex(forwardBy: FrameLimits.headerByteCount)
        return Frame(type: type, payload: frame)
    }

    static func encode(type: UInt8, payload: [UInt8], allocator: ByteBufferAllocator = ByteBufferAllocator())
        -> ByteBuffer
    {
        var buffer = allocator.buffer(capacity: FrameLimits.headerByteCount + payload.count)
        buffer.writeInteger(UInt32(payload.count), endianness: .little)
        buffer.writeInteger(type)
        buffer.writeBytes(payload)
        return buffer
    }
}
