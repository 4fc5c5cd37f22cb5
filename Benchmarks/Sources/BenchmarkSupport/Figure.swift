import Dispatch
import Foundation

/// One measured figure beside a reference measured in the same run.
public struct Figure {
    public let name: String
    public let value: Double
    public let unit: String
    public let reference: String
    public let referenceValue: Double
    /// The least ratio that is asked for; `nil` where none is.
    public let floor: Double?
    /// The highest ratio that is asked for, of figures that shall be small.
    public let ceiling: Double?

    public init(
        _ name: String, _ value: Double, _ unit: String, reference: String, _ referenceValue: Double,
        floor: Double?, ceiling: Double? = nil
    ) {
        self.name = name
        self.value = value
        self.unit = unit
        self.reference = reference
        self.referenceValue = referenceValue
        self.floor = floor
        self.ceiling = ceiling
    }

    public var ratio: Double { referenceValue > 0 ? value / referenceValue : 0 }
    public var isOK: Bool { (floor.map { ratio >= $0 } ?? true) && (ceiling.map { ratio <= $0 } ?? true) }

    /// Prints the figure as one line of JSON.
    public func report() {
        let floorText = floor.map { Figure.text($0) } ?? "null"
        let line =
            "{\"name\":\"\(name)\",\"value\":\(Figure.text(value)),\"unit\":\"\(unit)\","
            + "\"reference\":\"\(reference)\",\"reference_value\":\(Figure.text(referenceValue)),"
            + "\"ratio\":\(Figure.text(ratio)),\"floor\":\(floorText)"
            + (ceiling.map { ",\"ceiling\":\(Figure.text($0))" } ?? "") + ",\"ok\":\(isOK)}\n"
        // Unbuffered, so that a figure is seen as soon as it is measured.
        try? FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
    }

    private static func text(_ number: Double) -> String { String(format: "%.4g", number) }
}

/// Seconds that all threads of this process have computed.
public func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Seconds since some moment, by the monotonic clock.
public func seconds() -> Double {
    Double(DispatchTime.now().uptimeNanoseconds) / 1e9
}

/// The value below which a share of the samples lies.
public func percentile(_ share: Double, of samples: [Double]) -> Double {
    let sorted = samples.sorted()
    guard !sorted.isEmpty else { return 0 }
    return sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
}
