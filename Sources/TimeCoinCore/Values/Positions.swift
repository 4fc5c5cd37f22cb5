/// The number of a block in the chain; genesis has height 0.
public typealias Height = UInt64

/// The number of a scheduled ten minutes since genesis (`main`); genesis closes slot 0.
public typealias Slot = UInt64

/// An attempt of consensus at one height, from 0.
public typealias Round = UInt32
