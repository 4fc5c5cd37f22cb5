import Foundation

/// Chosen by the environment, because libFuzzer has the arguments.
private let target: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["TIMECOIN_FUZZ_TARGET"] ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        print("TIMECOIN_FUZZ_TARGET is one of \(FuzzTarget.allCases.map(\.rawValue))")
        exit(64)
    }
    return target
}()

@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _: UnsafeMutablePointer<CInt>, _: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>
) -> CInt {
    let environment = ProcessInfo.processInfo.environment
    if environment["TIMECOIN_FUZZ_LIST"] != nil {
        print(FuzzTarget.allCases.map(\.rawValue).joined(separator: "\n"))
        exit(0)
    }
    if let folder = environment["TIMECOIN_FUZZ_SEEDS"] {
        for (number, seed) in target.seeds.enumerated() {
            try? Data(seed).write(to: URL(fileURLWithPath: "\(folder)/seed-\(number)"))
        }
        exit(0)
    }
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    target.feed(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}
