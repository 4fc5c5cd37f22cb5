"""Transactions made by hand, by several owners, on real nodes; and proofs that they are final."""

import json
import os
import subprocess
import tempfile

from support import NODE, Network, finish, new_address, passes, pay, run, wait

# Built by Scripts/package.
EXAMPLE = "Examples/VerifyPayment/.build/debug/VerifyPayment"


def text(result):
    return result.stdout.strip().strip('"')


def fund(network, address, amount):
    """Pays to an address; returns the output that it got."""
    txid = text(network.cli(0, "sendtoaddress", address, amount))
    wait("the funds are final", lambda: network.json(0, "gettransaction", txid)["final"], 20)
    outputs = network.json(0, "decoderawtransaction", text(network.cli(0, "getrawtransaction", txid)))["vout"]
    return next({"txid": txid, "vout": each["n"], "script": each["script"], "amount": each["value"]}
                for each in outputs if each["address"] == address)


def create(network, inputs, outputs):
    return text(network.cli(0, "createrawtransaction", json.dumps(inputs), json.dumps(outputs)))


def test_multisignature(network):
    """2 of 3, each key in the wallet of another node: bare, and behind a script hash."""
    keys = [network.json(index, "getaddressinfo", new_address(network, index))["key"] for index in range(3)]
    multisig = network.json(0, "createmultisig", "2", json.dumps(keys))
    decoded = network.json(1, "decodescript", multisig["script"])
    assert decoded["type"] == "multisignature" and decoded["scripthash"] == multisig["address"], decoded
    behind = fund(network, multisig["address"], "5")
    behind["redeemscript"] = multisig["script"]
    # Bare: an output that names the keys themselves.
    own = fund(network, new_address(network, 0), "6")
    raw = create(network, [own], [{"script": multisig["script"], "amount": "5.9"}])
    signed = network.json(0, "signrawtransactionwithwallet", raw)
    assert signed["complete"], signed
    txid = text(network.cli(0, "sendrawtransaction", signed["hex"]))
    wait("the bare output is final", lambda: network.json(0, "gettransaction", txid)["final"], 20)
    target = new_address(network, 3)
    raw = create(network, [behind, {"txid": txid, "vout": 0}], [{target: "10.8"}])
    previous = json.dumps([behind])
    copies = [network.json(index, "signrawtransactionwithwallet", raw, previous) for index in (0, 2)]
    assert not any(copy["complete"] for copy in copies), copies
    refused = network.json(1, "testmempoolaccept", json.dumps([copies[0]["hex"]]))[0]
    assert not refused["allowed"] and refused["rejectreason"] == "script", refused
    joined = network.json(1, "combinerawtransaction", json.dumps([copy["hex"] for copy in copies]), previous)
    assert joined["complete"] and joined["incomplete"] == [], joined
    assert network.json(1, "testmempoolaccept", json.dumps([joined["hex"]]))[0]["allowed"]
    txid = text(network.cli(1, "sendrawtransaction", joined["hex"]))
    wait("it is final everywhere", lambda: all(
        network.json(index, "gettransaction", txid)["final"] for index in range(4)), 20)
    passes("2-of-3, bare and behind a script hash: signed on two nodes, combined on a third, final on all")


def test_offline(network):
    """Signed by a wallet file alone."""
    own = fund(network, new_address(network, 1), "3")
    raw = create(network, [own], [{new_address(network, 2): "2.9"}, {"data": "c0ffee"}])
    with tempfile.TemporaryDirectory(prefix="timecoin-test.") as directory:
        path = os.path.join(directory, "previous.json")
        with open(path, "w") as file:
            json.dump([own], file)
        signed = json.loads(run(
            NODE, "sign", "--datadir", f"{network.directory}/node1", "--network", "local", "--previous", path,
            raw).stdout)
        stranger = json.loads(run(
            NODE, "sign", "--datadir", f"{network.directory}/node2", "--network", "local", "--previous", path,
            raw).stdout)
        with open(path, "w") as file:
            json.dump([], file)
        result = run(NODE, "sign", "--datadir", f"{network.directory}/node1", "--network", "local", "--previous",
                     path, raw, check=False)
    assert signed["complete"] and not stranger["complete"] and stranger["incomplete"] == [0], (signed, stranger)
    assert result.returncode == 1 and "missing-input" in result.stderr and "hint:" in result.stderr, result
    txid = text(network.cli(0, "sendrawtransaction", signed["hex"]))
    wait("it is final", lambda: network.json(0, "gettransaction", txid)["final"], 20)
    passes("signed by a wallet file without a node, with a data carrier, and final")


def test_proofs(network):
    txid = pay(network, 0, 3)
    wait("it is final", lambda: network.json(2, "gettransaction", txid)["final"], 20)
    proof = text(network.cli(2, "gettxoutproof", txid))
    shown = network.json(1, "verifytxoutproof", proof)
    assert shown["txid"] == txid and shown["blockhash"] == network.json(1, "gettransaction", txid)["blockhash"], shown
    last = "0" if proof[-1] != "0" else "1"
    altered = network.cli(1, "verifytxoutproof", proof[:-1] + last, check=False)
    assert altered.returncode == 1 and "bad-signature" in altered.stderr, altered
    finality = text(network.cli(2, "getfinalityproof", str(shown["height"])))
    header = network.json(1, "verifyfinalityproof", finality)
    assert header["hash"] == shown["blockhash"] and len(header["signers"]) >= 3, header
    # The same by a program that has the library alone, and neither node nor chain.
    info = network.json(3, "getblockchaininfo")
    address = next(each["address"] for each in shown["transaction"]["vout"] if each["value"] == "1.50000000")
    command = (EXAMPLE, info["genesishash"], info["validators"], address, "rtime")
    offline = subprocess.run(command, input=proof + "\n", capture_output=True, text=True, timeout=60)
    assert offline.returncode == 0 and f"pays 1.50000000 to {address}" in offline.stdout, offline
    offline = subprocess.run(command, input=proof[:-1] + last + "\n", capture_output=True, text=True, timeout=60)
    assert offline.returncode == 1 and "bad-signature" in offline.stderr, offline
    genesis = network.cli(2, "getfinalityproof", "0", check=False)
    assert genesis.returncode == 1 and "no-certificate" in genesis.stderr, genesis
    passes("proofs of a transaction and of finality from one node verify on another, and altered ones do not")


def test_output_proofs(network):
    """An output proven unspent, spent, and after more blocks; by a node, and offline."""
    txid = pay(network, 0, 3)
    wait("it is final", lambda: network.json(2, "gettransaction", txid)["final"], 20)
    spent = network.json(2, "gettransaction", txid)["vin"][0]
    answer = network.json(2, "getoutputproof", txid, "0")
    assert answer["unspent"] is True and len(answer["proof"]) == 2 * answer["bytes"], answer
    shown = network.json(1, "verifyoutputproof", answer["proof"])
    assert (shown["txid"], shown["n"], shown["unspent"]) == (txid, 0, True), shown
    before = network.json(2, "getoutputproof", spent["txid"], str(spent["vout"]))
    assert before["unspent"] is False, before
    # It says the same after more blocks.
    wait("another block", lambda: int(text(network.cli(1, "getblockcount"))) > answer["height"], 20)
    again = network.json(1, "verifyoutputproof", before["proof"])
    assert again["unspent"] is False and again["height"] == before["height"], again
    info = network.json(3, "getblockchaininfo")
    command = (NODE, "proof", "verify", "--chain", info["genesishash"], "--validators", info["validators"], "-o", "json")
    with tempfile.TemporaryDirectory(prefix="timecoin-test.") as directory:
        path = os.path.join(directory, "proof.json")
        for content in (json.dumps(answer), answer["proof"] + "\n"):
            with open(path, "w") as file:
                file.write(content)
            offline = json.loads(run(*command, path).stdout)
            assert offline["valid"] and offline["unspent"] and offline["height"] == answer["height"], offline
        with open(path, "w") as file:
            file.write(answer["proof"][:-1] + ("0" if answer["proof"][-1] != "0" else "1"))
        altered = run(*command, path, check=False)
    assert altered.returncode == 65 and "malformed-proof" in altered.stderr, altered
    for name, index in (("ab" * 32, "0"), (txid, "7")):
        unknown = network.cli(1, "getoutputproof", name, index, check=False)
        assert unknown.returncode == 1 and "unknown-output" in unknown.stderr and "gettransaction" in unknown.stderr, unknown
    passes(f"an output proven unspent, another spent, {answer['bytes']} bytes in {answer['microseconds']} µs, "
           "on another node and offline")


def test_waiting(network):
    """What waits while nothing can become final, and what takes its place."""
    own = fund(network, new_address(network, 0), "4")
    for index in (2, 3):
        network.kill(index)
    first, second = (network.json(0, "signrawtransactionwithwallet", create(
        network, [own], [{new_address(network, 1): amount}]))["hex"] for amount in ("3.999", "3.99"))
    txid = text(network.cli(0, "sendrawtransaction", first))
    entry = network.json(0, "getmempoolentry", txid)
    assert entry["fee"] == "0.00100000" and entry["depends"] == [], entry
    fee = network.json(0, "estimatesmartfee")
    assert fee["feerate"] == "0.00010000" and fee["leastfee"] == "0.00001000", fee
    # Pays ten times as much: it takes the place of the first, and the first cannot come back.
    better = text(network.cli(0, "sendrawtransaction", second))
    assert network.json(0, "getrawmempool") == [better]
    refused = network.cli(0, "sendrawtransaction", first, check=False)
    assert refused.returncode == 1 and "double-spend" in refused.stderr, refused
    missing = network.cli(0, "getmempoolentry", txid, check=False)
    assert missing.returncode == 1 and "not-waiting" in missing.stderr, missing
    for index in (2, 3):
        network.restart(index)

    def final(which, index):
        return network.call(index, "gettransaction", which).get("result", {}).get("final", False)

    # A block with the first one may have been proposed before; then that one wins. Never both.
    wait("one of them is final everywhere", lambda: any(
        all(final(which, index) for index in range(4)) for which in (txid, better)), 30)
    assert not (final(txid, 3) and final(better, 3)), "both became final"
    winner = "the better payer" if final(better, 0) else "the one proposed before"
    passes(f"a better payer takes the place of what waits; {winner} becomes final, on all nodes")


with Network() as network:
    test_multisignature(network)
    test_offline(network)
    test_proofs(network)
    test_output_proofs(network)
    test_waiting(network)
finish()
