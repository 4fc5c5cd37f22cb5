import Foundation
import TimeCoinControl

/// Ports of the loopback interface on which nobody listens.
///
/// They lie outside the range from which the system takes the ports of outgoing connections: such a
/// connection could hold the port of a node that is stopped, and the node could not start again.
enum FreePorts {
    /// Ports that need no privilege.
    private static let usable = 1024...65535
    private static let rangePath = "/proc/sys/net/ipv4/ip_local_port_range"

    static func find(_ count: Int) throws(LocalNetwork.Failure) -> [Int] {
        let ephemeral = ephemeralRange()
        let outside = usable.filter { !(ephemeral?.contains($0) ?? false) }
        // A system that gives every port to outgoing connections leaves no choice.
        let candidates = (outside.count >= count ? outside : Array(usable)).shuffled()
        // Held until all are found, so that none is found twice.
        var sockets: [Int32] = []
        defer {
            for socket in sockets { close(socket) }
        }
        var ports: [Int] = []
        for port in candidates where ports.count < count {
            guard let socket = bound(port) else { continue }
            sockets.append(socket)
            ports.append(port)
        }
        guard ports.count == count else {
            throw LocalNetwork.Failure(.ioError, "there are no \(count) free ports on the loopback interface")
        }
        return ports
    }

    /// Two numbers in a file of the system; `nil` where it has none.
    static func ephemeralRange() -> ClosedRange<Int>? {
        guard let text = try? String(contentsOfFile: rangePath, encoding: .utf8) else { return nil }
        let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        guard numbers.count == 2, numbers[0] <= numbers[1] else { return nil }
        return numbers[0]...numbers[1]
    }

    private static func bound(_ port: Int) -> Int32? {
        guard let number = UInt16(exactly: port) else { return nil }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = number.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isBound else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
