/// The transaction input that scripts run for.
public protocol ScriptContext {
    /// Lock time of the transaction: a slot, or seconds since 1970.
    var lockTime: UInt32 { get }
    /// Version of the transaction; relative locks need 2.
    var version: UInt16 { get }
    /// Sequence of the input.
    var sequence: UInt32 { get }

    /// Whether the signature is this key's over this input. Charges the hashing that it takes.
    ///
    /// - Parameters:
    ///   - signature: 65 bytes, the last of them the type of signature hash.
    ///   - key: 32 bytes.
    /// - Throws: ``ScriptRejection/hashedBytes`` when the budget is used up. A bad signature does not throw.
    func verifies(
        signature: ArraySlice<UInt8>, key: ArraySlice<UInt8>, budget: inout ScriptBudget
    ) throws(ScriptRejection) -> Bool
}
