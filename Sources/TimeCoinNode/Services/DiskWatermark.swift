package import TimeCoinStore

/// Whether the disk has room enough to go on: a value, fed with what is free.
///
/// A node that runs out of room shall not find out by a write that fails. First it proposes nothing, so that
/// no block grows by it; with less it ends while every write still succeeds.
struct DiskWatermark: Sendable {
    /// Between two looks. Unit: milliseconds.
    static let interval: UInt64 = 2000
    /// With less free, or with less than 5 % of a small disk, nothing is proposed. Unit: bytes.
    static let lowDiskBytes: UInt64 = 512 << 20
    /// With less free, or with less than 1 % of a small disk, the node ends. Unit: bytes.
    static let emptyDiskBytes: UInt64 = 64 << 20
    /// So many times what is low must be free before anything is proposed again: 5/4.
    private static let enough: (numerator: UInt64, denominator: UInt64) = (5, 4)

    enum Room: Hashable, Sendable {
        case enough
        case low
        case empty
    }

    private(set) var room = Room.enough

    /// What must stay free of a disk so that a node goes on proposing. Unit: bytes.
    static func low(of space: DiskSpace) -> UInt64 { min(lowDiskBytes, space.total / 20) }

    /// Takes in what is free.
    ///
    /// - Returns: the room if it is another than before.
    mutating func take(_ space: DiskSpace) -> Room? {
        let low = DiskWatermark.low(of: space)
        let empty = min(DiskWatermark.emptyDiskBytes, space.total / 100)
        let enough = low / DiskWatermark.enough.denominator * DiskWatermark.enough.numerator
        let now: Room
        if space.free < empty {
            now = .empty
        } else if space.free < low {
            now = .low
        } else if space.free < enough {
            now = room == .enough ? .enough : .low
        } else {
            now = .enough
        }
        guard now != room else { return nil }
        room = now
        return now
    }
}

/// Where a node looks for the room of its disk.
package struct DiskWatch: Sendable {
    let files: any FileSystem
    let path: String

    package init(files: any FileSystem, path: String) {
        self.files = files
        self.path = path
    }
}
