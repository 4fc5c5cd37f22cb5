import Foundation
import TimeCoinControl

/// One connection to a node's socket that stays open. Blocking: used by one thread.
final class CallConnection {
    struct Broken: Error { let reason: String }

    private let descriptor: Int32
    private var received: [UInt8] = []

    init(socket path: String) throws {
        descriptor = Foundation.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Broken(reason: "the socket's path is too long")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw Broken(reason: "cannot connect to \(path)") }
    }

    deinit { close(descriptor) }

    /// Calls a method with parameters that are JSON already.
    func call(_ method: String, _ parameters: String = "[]") throws -> JSONValue {
        let answer = try exchange(
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\(method)\",\"params\":\(parameters)}")
        guard let result = answer["result"] else {
            throw Broken(reason: "\(method): \(answer.compact)")
        }
        return result
    }

    /// Sends one request body and reads its answer.
    func exchange(_ body: String) throws -> JSONValue {
        let head =
            "POST / HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n"
        try send(Array((head + body).utf8))
        return try JSONValue(parsing: try readBody())
    }

    private func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(
                    descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Broken(reason: "the connection broke while sending") }
            sent += count
        }
    }

    private func readBody() throws -> [UInt8] {
        let blank = Array("\r\n\r\n".utf8)
        while true {
            if let end = received.firstRange(of: blank) {
                let head = String(decoding: received[..<end.lowerBound], as: UTF8.self).lowercased()
                guard
                    let line = head.split(separator: "\r\n").first(where: { $0.hasPrefix("content-length:") }),
                    let length = Int(line.dropFirst(15).trimmingCharacters(in: .whitespaces))
                else { throw Broken(reason: "an answer without a length") }
                while received.count < end.upperBound + length { try receive() }
                let body = Array(received[end.upperBound..<end.upperBound + length])
                received.removeFirst(end.upperBound + length)
                return body
            }
            try receive()
        }
    }

    private func receive() throws {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { throw Broken(reason: "the node closed the connection") }
        received += chunk[..<count]
    }
}
