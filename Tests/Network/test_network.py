"""Four real nodes: agreement, payment, kills. Run by Scripts/test-network with the folder of the programs."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

BIN = sys.argv[1]
NODE = os.path.join(BIN, "timecoin-node")
CLI = os.path.join(BIN, "timecoin-cli")
passed = 0


def run(*arguments, check=True):
    result = subprocess.run(arguments, capture_output=True, text=True, timeout=90)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(arguments)}: {result.returncode} {result.stderr}")
    return result


class Network:
    def __init__(self, directory, payment_time="0"):
        self.directory = directory
        run(NODE, "localnet", "up", "--dir", directory, "--validators", "4", "--block-time", "5",
            "--payment-time", payment_time, "--detach")

    def cli(self, index, *arguments, check=True):
        socket = f"{self.directory}/node{index}/local/node.sock"
        return run(CLI, "--socket", socket, "-o", "compact", *arguments, check=check)

    def json(self, index, *arguments):
        return json.loads(self.cli(index, *arguments).stdout)

    def height(self, index):
        return int(self.cli(index, "getblockcount").stdout)

    def kill(self, index):
        run(NODE, "localnet", "kill", "--dir", self.directory, str(index))

    def restart(self, index):
        run(NODE, "localnet", "restart", "--dir", self.directory, str(index))

    def down(self):
        run(NODE, "localnet", "down", "--dir", self.directory, check=False)


def wait(what, condition, seconds):
    """Waits for something that can be observed; returns how long it took."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        try:
            if condition():
                return time.monotonic() - start
        except (AssertionError, ValueError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def passes(name):
    global passed
    passed += 1
    print(f"ok: {name}", flush=True)


def same_chain(network, nodes=range(4)):
    top = min(network.height(index) for index in nodes)
    for height in range(top + 1):
        headers = {tuple(network.json(index, "getblockheader", str(height))[key] for key in ("hash", "stateroot"))
                   for index in nodes}
        assert len(headers) == 1, f"height {height}: {headers}"
    for index in nodes:
        supply = network.json(index, "getblockchaininfo")["supply"]
        assert supply["total"] == supply["scheduled"], supply
    return top


def pay(network, source, target, amount="1.5"):
    address = network.cli(target, "getnewaddress").stdout.strip().strip('"')
    return network.cli(source, "sendtoaddress", address, amount).stdout.strip().strip('"')


def final_everywhere(network, txid, nodes=range(4)):
    return all(network.json(index, "gettransaction", txid)["final"] for index in nodes)


def signed_by(network, member, above, observer):
    top = network.height(observer)
    return any(member in network.json(observer, "getblock", str(height))["certificate"]["signers"]
               for height in range(above + 1, top + 1))


def test_payment(network):
    txid = pay(network, 0, 3)
    took = wait("payment final on all four", lambda: final_everywhere(network, txid), 10)
    blocks = {network.json(index, "gettransaction", txid)["blockhash"] for index in range(4)}
    assert len(blocks) == 1, blocks
    passes(f"a payment is final on all four in the same block, after {took:.2f} s")


def test_refusals(network):
    good = network.cli(3, "getnewaddress").stdout.strip().strip('"')
    cases = [
        (("sendtoaddress", good[:-1] + ("q" if good[-1] != "q" else "p"), "1"), 1, "bad-address"),
        (("sendtoaddress", "time1" + good[6:], "1"), 1, "bad-address"),
        (("sendtoaddress", good, "1.123456789"), 65, "bad-amount"),
        (("sendtoaddress", good, "99999999"), 1, "insufficient-funds"),
        (("nosuchmethod",), 64, "usage"),
        (("sendrawtransaction", "zz"), 65, "bad-hex"),
        (("getblock", "999999"), 65, "unknown-block"),
    ]
    for arguments, status, reason in cases:
        result = network.cli(0, *arguments, check=False)
        assert result.returncode == status and reason in result.stderr, (arguments, result.returncode, result.stderr)
    result = run(CLI, "--socket", "/nonexistent/node.sock", "getblockcount", check=False)
    assert result.returncode == 69, result
    result = run(NODE, "run", "--datadir", f"{network.directory}/node0", "--network", "local",
                 "--listen", "127.0.0.1:0", check=False)
    assert result.returncode == 78 and "lock" in result.stderr, result
    passes("each wrong input has its own reason and exit status; a second instance is refused")


def test_random_bytes(network):
    status = json.loads(run(NODE, "localnet", "status", "--dir", network.directory, "-o", "json").stdout)
    host, port = status["nodes"][0]["p2p"].split(":")
    for size in (1, 5, 4096, 100_000):
        with socket.create_connection((host, int(port)), timeout=15) as connection:
            try:
                connection.sendall(os.urandom(size))
                while connection.recv(4096):
                    pass
            except ConnectionError:
                pass
    assert run(NODE, "localnet", "status", "--dir", network.directory, "-o", "json").stdout.count('"running":true') == 4
    before = network.height(0)
    wait("the node goes on", lambda: network.height(0) > before, 15)
    log = open(f"{network.directory}/node0/local/node.log").read()
    assert log.count("closed a connection") >= 4, log[-2000:]
    passes("random bytes: each connection is closed with a line in the log, and the node goes on")


def test_one_killed(network):
    member = network.json(2, "getconsensusinfo")["self"]
    network.kill(2)
    txid = pay(network, 0, 1)
    wait("payment final on three", lambda: final_everywhere(network, txid, (0, 1, 3)), 15)
    passes("one of four killed: the others go on")
    before = network.height(0)
    network.restart(2)
    for _ in range(3):
        pay(network, 0, 1)
    took = wait("its precommit in a certificate", lambda: signed_by(network, member, before, 0), 20)
    wait("the restarted node has the payment", lambda: final_everywhere(network, txid, (2,)), 10)
    passes(f"restarted, its precommit is in a certificate again after {took:.2f} s")


def test_two_killed(network):
    network.kill(1)
    network.kill(2)
    # That nothing happens can only be waited for: longer than a slot, so that a block was due.
    time.sleep(1)
    stuck = network.height(0)
    time.sleep(7)
    assert network.height(0) <= stuck + 1 and network.height(3) <= stuck + 1, "a minority went on"
    stuck = max(network.height(0), network.height(3))
    network.restart(1)
    took = wait("a new final block", lambda: network.height(0) > stuck, 20)
    network.restart(2)
    passes(f"two killed: no block; one back: a new final block after {took:.2f} s")


def test_all_killed(network, times=3):
    for turn in range(times):
        sent = [pay(network, index, (index + 1) % 4, "0.1") for index in range(4)]
        for index in range(4):
            network.kill(index)
        for index in range(4):
            network.restart(index)
        stuck = network.height(0)
        took = wait("a new final block after all were killed", lambda: network.height(0) > stuck, 60)
        print(f"   all killed, turn {turn}: {len(sent)} payments under way, a new final block after {took:.2f} s")
    wait("all at one height", lambda: len({network.height(index) for index in range(4)}) == 1, 20)
    top = same_chain(network)
    passes(f"all four killed {times} times: one chain of {top} blocks, the same on all, supply by the schedule")


def test_journals(network):
    network.down()
    positions = {}
    count = 0
    for index in range(4):
        dump = run(NODE, "journal", "dump", "--datadir", f"{network.directory}/node{index}", "-o", "json").stdout
        for line in dump.splitlines():
            entry = json.loads(line)
            key = (entry["member"], entry["height"], entry["round"], entry["type"])
            value = (entry["block"], entry["validRound"], entry["signature"])
            assert positions.setdefault(key, value) == value, f"two signatures at {key}"
            count += 1
    assert count > 100, count
    passes(f"the four journals joined: {count} votes and proposals, never two signatures at one position")


def main():
    directory = tempfile.mkdtemp(prefix="timecoin-test.")
    network = Network(directory)
    try:
        wait("the first block", lambda: network.height(0) >= 1, 20)
        test_payment(network)
        test_refusals(network)
        test_random_bytes(network)
        test_one_killed(network)
        test_two_killed(network)
        test_all_killed(network)
        test_journals(network)
    finally:
        network.down()
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{passed} passed, 0 failed")


main()
