"""What the tests of real nodes share. The folder of the programs is the first argument of every test."""

import http.client
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
    """Four validators on this machine; everything of them is gone at the end."""

    count = 4

    def __init__(self, block_time="5"):
        self.directory = tempfile.mkdtemp(prefix="timecoin-test.")
        run(NODE, "localnet", "up", "--dir", self.directory, "--validators", "4", "--block-time", block_time,
            "--payment-time", "0", "--detach")

    def __enter__(self):
        wait("the first block", lambda: self.height(0) >= 1, 20)
        return self

    def __exit__(self, *_):
        self.down()
        shutil.rmtree(self.directory, ignore_errors=True)

    def status(self):
        return json.loads(run(NODE, "localnet", "status", "--dir", self.directory, "-o", "json").stdout)["nodes"]

    def socket(self, index):
        return f"{self.directory}/node{index}/local/node.sock"

    def cli(self, index, *arguments, check=True):
        return run(CLI, "--socket", self.socket(index), "-o", "compact", *arguments, check=check)

    def post(self, index, body):
        return post(self.socket(index), body)

    def call(self, index, method, *parameters):
        return self.post(index, {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)})[1]

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
        except (AssertionError, KeyError, OSError, ValueError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def passes(name):
    global passed
    passed += 1
    print(f"ok: {name}", flush=True)


class SocketConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("node", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


def post(path, body):
    """Status and JSON of an answer; bytes go as they are, anything else as JSON."""
    connection = SocketConnection(path)
    try:
        connection.request("POST", "/", body if isinstance(body, bytes) else json.dumps(body).encode())
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if answer.status == 200 else text.decode()
    finally:
        connection.close()


def new_address(network, index):
    return network.cli(index, "getnewaddress").stdout.strip().strip('"')


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
    address = new_address(network, target)
    return network.cli(source, "sendtoaddress", address, amount).stdout.strip().strip('"')


def final_everywhere(network, txid, nodes=range(4)):
    return all(network.json(index, "gettransaction", txid)["final"] for index in nodes)


def signed_by(network, member, above, observer):
    top = network.height(observer)
    return any(member in network.json(observer, "getblock", str(height))["certificate"]["signers"]
               for height in range(above + 1, top + 1))


def signatures_once_each(network):
    """Joins the journals of nodes that have ended: no position may have two signatures. Returns how many there are."""
    positions = {}
    for index in range(network.count):
        dump = run(NODE, "journal", "dump", "--datadir", f"{network.directory}/node{index}", "-o", "json").stdout
        for line in dump.splitlines():
            entry = json.loads(line)
            key = (entry["member"], entry["height"], entry["round"], entry["type"])
            value = (entry["block"], entry["validRound"], entry["signature"])
            assert positions.setdefault(key, value) == value, f"two signatures at {key}"
    return len(positions)


def finish():
    print(f"{passed} passed, 0 failed")
