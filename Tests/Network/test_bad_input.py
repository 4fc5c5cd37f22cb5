"""What people, scripts, strangers and disks may do wrong to a node."""

import json
import os
import resource
import shutil
import socket
import subprocess
import tempfile

from support import CLI, NODE, Network, finish, new_address, passes, post, run, wait


def test_refusals(network):
    good = new_address(network, 3)
    cases = [
        (("sendtoaddress", good[:-1] + ("q" if good[-1] != "q" else "p"), "1"), 65, "bad-address"),
        (("sendtoaddress", "time1" + good[6:], "1"), 65, "bad-address"),
        (("sendtoaddress", "", "1"), 65, "bad-address"),
        (("sendtoaddress", "x", "1"), 65, "bad-address"),
        (("sendtoaddress", good + "q" * 100_000, "1"), 65, "bad-address"),
        (("send", "", "1"), 65, "bad-address"),
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
    host, port = network.status()[0]["p2p"].split(":")
    for size in (1, 5, 4096, 100_000):
        with socket.create_connection((host, int(port)), timeout=15) as connection:
            try:
                connection.sendall(os.urandom(size))
                while connection.recv(4096):
                    pass
            except ConnectionError:
                pass
    assert all(node["running"] for node in network.status())
    before = network.height(0)
    wait("the node goes on", lambda: network.height(0) > before, 15)
    log = open(f"{network.directory}/node0/local/node.log").read()
    assert log.count("closed a connection") >= 4, log[-2000:]
    passes("random bytes: each connection is closed with a line in the log, and the node goes on")


def test_malformed_requests(network):
    cases = [
        (b"{", -32700), (b"[" * 100_000, -32700), (b"[]", -32600), (b"5", -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "nosuch"}, -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "getblock", "params": ["1", "2", "3"]}, -32602),
        ([{"jsonrpc": "2.0", "id": 1, "method": "uptime"}] * 101, -32600),
    ]
    for body, code in cases:
        status, answer = network.post(0, body)
        assert status == 200 and answer["error"]["code"] == code, (str(body)[:60], answer)
    status, text = network.post(0, b" " * 9_000_000)
    assert status == 413 and "too long" in text, (status, text)
    assert network.height(0) >= 0
    passes("broken, deep, unknown, overfull and oversized requests: each its own code, and the node goes on")


def one_node(directory, passphrase):
    """A chain of one validator whose keys have a passphrase; the command that runs it."""
    with open(f"{directory}/passphrase", "w") as file:
        file.write(passphrase + "\n")
    options = ("--datadir", directory, "--network", "local", "--passphrase-file", f"{directory}/passphrase")
    identity = json.loads(run(NODE, "init", *options, "-o", "json").stdout)
    run(NODE, "genesis", "new", "--validator", f"{identity['operatorkey']}:1:{identity['address']}",
        "--allocation", f"{identity['address']}:1000", "--block-time", "1", "--payment-time", "0",
        "--output", f"{directory}/local/genesis.json")
    return (NODE, "run", *options, "--listen", "127.0.0.1:0")


def test_locked_wallet_and_full_disk():
    directory = tempfile.mkdtemp(prefix="timecoin-test.")
    node = None
    try:
        command = one_node(directory, "correct horse")
        with open(f"{directory}/wrong", "w") as file:
            file.write("battery staple\n")
        wrong = [*command[:-4], "--passphrase-file", f"{directory}/wrong", *command[-2:]]
        result = run(*wrong, check=False)
        assert result.returncode == 77 and "passphrase" in result.stderr, result
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            result = run(*command[:-1], f"127.0.0.1:{port}", check=False)
        assert result.returncode == 74 and f"cannot listen on 127.0.0.1:{port}" in result.stderr, result
        assert "block is final" not in result.stderr, result
        # A pipe: the limit on files below shall not reach the log.
        node = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        socket_path = f"{directory}/local/node.sock"

        def cli(*arguments, check=True):
            return run(CLI, "--socket", socket_path, *arguments, check=check)

        wait("the first block", lambda: int(cli("getblockcount").stdout) >= 1, 20)
        address = cli("getnewaddress").stdout.strip().strip('"')
        cli("wallet", "lock")
        refused = cli("sendtoaddress", address, "1", check=False)
        assert refused.returncode == 77 and "locked" in refused.stderr, refused
        bad = cli("wallet", "unlock", "--passphrase-file", f"{directory}/wrong", check=False)
        assert bad.returncode == 77, bad
        cli("wallet", "unlock", "--passphrase-file", f"{directory}/passphrase")
        cli("sendtoaddress", address, "1")
        passes("a locked wallet refuses with 77, opens with its passphrase, and pays")

        # No file may grow any more: what the next block needs cannot be written.
        top = int(cli("getblockcount").stdout)
        resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (1, 1))
        _, text = node.communicate(timeout=30)
        assert node.returncode == 74 and "stopped signing" in text, (node.returncode, text[-1000:])
        node = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait("it goes on where it was", lambda: int(cli("getblockcount").stdout) > top, 20)
        passes("a disk that takes nothing any more: signing stops, exit 74, and nothing is lost")
    finally:
        if node is not None and node.poll() is None:
            node.terminate()
            node.wait(timeout=20)
        shutil.rmtree(directory, ignore_errors=True)


with Network() as network:
    test_refusals(network)
    test_malformed_requests(network)
    test_random_bytes(network)
test_locked_wallet_and_full_disk()
finish()
