"""What the programs say to people and scripts: arguments, files, exit statuses."""

import json
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time

from support import CLI, NODE, finish, passes, run, wait


def refused(status, *arguments, words=()):
    """Runs what must be refused with a status and a message that has these words and is no riddle."""
    result = run(*arguments, check=False)
    assert result.returncode == status, (arguments, result.returncode, result.stderr)
    for word in words:
        assert word in result.stderr, (arguments, word, result.stderr)
    for riddle in ("Swift", "Foundation", "NSCocoa", "Fatal", "UserInfo"):
        assert riddle not in result.stderr, (arguments, result.stderr)
    return result


def identity(directory):
    return json.loads(run(NODE, "init", "--datadir", directory, "--network", "local", "-o", "json").stdout)


def test_genesis_arguments(directory):
    made = identity(f"{directory}/one")
    key, address = made["operatorkey"], made["address"]
    output = f"{directory}/genesis.json"

    def new(validator, *more, to=output):
        return (NODE, "genesis", "new", "--validator", validator, *more, "--output", to)

    for validator in (f"{key}:1:rtime1bad", f"{key}:1:time{address[5:]}", f"{key}:1:", f"{key}:0:{address}",
                      f"{key}:x:{address}", f"{key[:-1]}:1:{address}", f"{'0' * 64}:1:{address}", "nothing"):
        refused(65, *new(validator), words=("--validator", validator))
    good = f"{key}:1:{address}"
    for allocation in (f"{address}:1.123456789", "rtime1bad:1", f"{address}:-1", "nothing"):
        refused(65, *new(good, "--allocation", allocation), words=("--allocation", allocation))
    refused(65, *new(good, "--validator", good), words=("--validator", "doubled"))
    for option, value in (("--block-time", "0.1"), ("--block-time", "3601"), ("--block-time", "nan"),
                          ("--payment-time", "-1"), ("--payment-time", "6")):
        refused(64, *new(good, f"{option}={value}"), words=(option,))
    refused(64, *new(good, "--network", "main", "--block-time", "60"), words=("--block-time",))
    refused(74, *new(good, to=f"{directory}/nowhere/genesis.json"), words=(f"{directory}/nowhere/genesis.json",))
    refused(74, *new(good, to="/proc/genesis.json"), words=("/proc/genesis.json",))
    assert not os.path.exists(output)
    run(*new(good, "--block-time", "0.5"))
    refused(65, *new(good), words=("exists",))
    passes("genesis new names the argument and its value; a file that cannot be written is 74")
    return output


def test_genesis_check(directory, path):
    with open(path) as file:
        good = json.load(file)
    run(NODE, "genesis", "check", path)

    def check(words, **changes):
        altered = f"{directory}/altered.json"
        with open(altered, "w") as file:
            json.dump({**good, **changes}, file)
        for verb in ("check", "hash"):
            refused(78, NODE, "genesis", verb, altered, words=(altered, *words))

    validator = good["validators"][0]
    check(("time", str(2**53 + 1), f"1 to {2**53}"), time=2**53 + 1)
    check(("time: 0",), time=0)
    check(("slot", "199", "200 to 3600000"), slot=199, paymentInterval=0)
    check(("slot", "3600001"), slot=3_600_001)
    check(("slot", "null"), slot=None)
    check(("slot", "59999"), slot=59_999, network="test", validators=[])
    check(("slot", "1000"), slot=1000, network="main", validators=[])
    check(("paymentInterval", "501", "0 to 500"), paymentInterval=501)
    check(("validators[0].operatorKey", "0" * 64), validators=[{**validator, "operatorKey": "0" * 64}])
    check(("validators[0].weight", "-1"), validators=[{**validator, "weight": -1}])
    check(("colour",), colour="blue")
    check(("validators[0]", "colour"), validators=[{**validator, "colour": "blue"}])
    check(("network", "moon"), network="moon")
    check(("time", "slot", "colour", "validators[0].weight"), time=-1, slot=1, colour=1,
          validators=[{**validator, "weight": 0}])
    refused(78, NODE, "genesis", "check", f"{directory}/nothing.json", words=("nothing.json",))
    passes("genesis check refuses each kind of nonsense by field, value and range, all at once")


def processes(directory):
    """Nodes below a directory that run, by what the system says."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline") as file:
                words = file.read().split("\0")
        except OSError:
            continue
        if "run" in words and any(word.startswith(directory) for word in words):
            found.append(int(name))
    return sorted(found)


def test_localnet_arguments(directory):
    network = f"{directory}/network"
    for count in ("0", "21", "-1", "x"):
        refused(64, NODE, "localnet", "up", "--dir", network, "--validators", count, words=("--validators",))
    refused(74, NODE, "localnet", "up", "--dir", "/proc/x", "--detach", words=("/proc/x",))
    refused(74, NODE, "localnet", "up", "--dir", "/etc/hostname", "--detach", words=("/etc/hostname",))
    for verb in (("kill", "0"), ("restart", "0"), ("status",), ("down",)):
        refused(78, NODE, "localnet", verb[0], "--dir", network, *verb[1:], words=("localnet up",))
    assert not os.path.exists(network)
    passes("localnet: numbers out of range are 64, no network is 78, a place that cannot be is 74")


def test_interrupted_up(directory):
    network = f"{directory}/interrupted"
    up = (NODE, "localnet", "up", "--dir", network, "--validators", "3", "--block-time", "1", "--detach")
    # Interrupted in later and later steps: keys, genesis, each start, waiting for answers.
    for turn in range(60):
        node = subprocess.Popen(up, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.004 * turn)
        node.kill()
        node.wait()
        if turn % 6 == 5:
            run(*up)
            nodes = json.loads(run(NODE, "localnet", "status", "--dir", network, "-o", "json").stdout)["nodes"]
            assert all(node["running"] for node in nodes), nodes
            assert sorted(node["pid"] for node in nodes) == processes(network), (nodes, processes(network))
            run(NODE, "localnet", "down", "--dir", network)
            assert not processes(network), processes(network)
            shutil.rmtree(network)
    passes("localnet up, killed at any time, is completed by the next one, with one process a node")


def test_localnet(directory):
    network = f"{directory}/network"
    up = (NODE, "localnet", "up", "--dir", network, "--detach")
    run(*up, "--validators", "4", "--block-time", "0.5", "--payment-time", "0.5")
    refused(78, *up, "--block-time", "1", words=("block time", "500 ms", "1000 ms"))
    refused(78, *up, "--validators", "3", "--payment-time", "0", words=("validators", "payment time"))
    run(*up)
    nodes = json.loads(run(NODE, "localnet", "status", "--dir", network, "-o", "json").stdout)["nodes"]
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        low, high = map(int, file.read().split())
    ports = [int(node["p2p"].split(":")[1]) for node in nodes]
    assert len(set(ports)) == 4 and not any(low <= port <= high for port in ports), ports
    for verb in ("kill", "restart"):
        refused(64, NODE, "localnet", verb, "--dir", network, "4", words=("0 to 3",))
    passes("localnet up on another network says what differs; ports are outside the range of connections")

    height = lambda: int(run(CLI, "--socket", nodes[0]["socket"], "getblockcount").stdout)
    refused(78, NODE, "journal", "dump", "--datadir", nodes[1]["datadir"], words=("stop it first",))
    wait("some blocks", lambda: height() >= 5, 30)
    types = set()
    for _ in range(10):
        run(NODE, "localnet", "kill", "--dir", network, "1")
        lines = run(NODE, "journal", "dump", "--datadir", nodes[1]["datadir"]).stdout.splitlines()
        assert len(lines) == len(set(lines)), "a line came twice"
        for line in map(json.loads, lines):
            assert set(line) == {"height", "round", "type", "block", "validRound", "member", "signature"}, line
            types.add(line["type"])
        # Left behind, it hears of what it missed in certificates.
        run(NODE, "localnet", "restart", "--dir", network, "1")
    assert types == {"proposal", "prevote", "precommit"}, types
    passes("journal dump refuses a running node; killed nodes are gone, dump every message once and restart")
    run(NODE, "localnet", "down", "--dir", network)
    assert not processes(network), processes(network)
    refused(1, NODE, "localnet", "kill", "--dir", network, "1", words=("does not run",))



def test_reading(directory):
    """Blocks, transactions, outputs and addresses, by every front end."""
    network = f"{directory}/reading"
    run(NODE, "localnet", "up", "--dir", network, "--validators", "1", "--block-time", "0.5", "--payment-time", "0",
        "--detach")
    try:
        socket = json.loads(run(NODE, "localnet", "status", "--dir", network, "-o", "json").stdout)["nodes"][0]["socket"]
        words = (CLI, "--socket", socket)
        call = lambda *more: json.loads(run(*words, "-o", "json", *more).stdout)
        own, other = (run(*words, "getnewaddress").stdout.strip() for _ in range(2))
        wait("money", lambda: float(run(*words, "balance").stdout) > 20, 30)
        sent = [run(*words, "send", address, "1.5", "--wait").stdout.strip() for address in (own, own, other)]
        wait("a block on top", lambda: call("gettransaction", sent[-1])["confirmations"] > 1, 30)

        history = call("getaddresshistory", own)
        assert [row["txid"] for row in history["transactions"]] == sent[:2] and history["next"] is None, history
        assert not history["pruned"] and history["blocksfrom"] == 0, history
        first = call("getaddresshistory", own, "", "1")
        second = call("getaddresshistory", own, first["next"], "1")
        assert first["transactions"] + second["transactions"] == history["transactions"], (first, second)
        last = call("getaddresshistory", own, "", "1", "true")["transactions"]
        assert last == history["transactions"][1:] and last[0]["received"] == "1.50000000", last
        outputs = call("getaddressutxos", own)["outputs"]
        assert [output["txid"] for output in outputs] == sent[:2], outputs
        assert call("getaddressbalance", own)["balance"] == "3.00000000"

        place = (sent[2], str(next(output["n"] for output in call("gettransaction", sent[2])["vout"]
                                   if output["address"] == other)))
        output = call("gettxout", *place)
        assert output["value"] == "1.50000000" and output["address"] == other and output["confirmations"] > 1, output
        assert call("gettxout", sent[2], "77") is None and call("gettxout", "0" * 64, "0") is None
        total = call("gettxoutsetinfo")
        assert total["txouts"] > 0 and total["disk_size"] > 4096 and float(total["total_amount"]) > 3, total

        height = call("gettransaction", sent[0])["height"]
        block = call("getblock", str(height), "2")
        assert sent[0] in [item["txid"] for item in block["tx"]], block
        assert sent[0] in call("getblock", block["hash"])["tx"]
        assert run(*words, "getblock", str(height), "0").stdout.startswith(
            run(*words, "getblock", block["hash"], "0").stdout[:630])
        refused(65, *words, "getblock", str(height), "3", words=("verbosity", "hint"))
        refused(65, *words, "getblock", "99999999", words=("above the tip", "hint"))
        refused(1, *words, "getblock", "0" * 64, words=("no final block",))
        refused(65, *words, "getaddresshistory", own, "x", words=("HEIGHT:INDEX",))
        refused(65, *words, "getaddressutxos", own, "0", "101", words=("1 to 100",))
        refused(65, *words, "address", "nobody", words=("bad-address", "hint"))

        text = run(*words, "address", own).stdout
        assert all(word in text for word in ("3.00000000 TIME", "2 outputs", *sent[:2])), text
        assert call("address", own)["balance"]["balance"] == "3.00000000"
        text = run(*words, "tx", sent[0]).stdout
        assert f"in block {height}" in text and f"1.50000000  {own}" in text, text
        assert sent[0] in run(*words, "block", str(height)).stdout
        assert "genesis" in run(*words, "block", "0").stdout
        refused(64, *words, "address", words=("usage: timecoin-cli address ADDRESS",))
    finally:
        run(NODE, "localnet", "down", "--dir", network, check=False)
    passes("blocks, transactions, outputs and addresses are read by hash, height and page, as JSON and in words")


def test_command_line(directory):
    for words in (("walletpassphrase", "hunter2"), ("walletpassphrase",),
                  ("-o", "json", "walletpassphrase", "hunter2")):
        result = refused(64, CLI, *words, words=("timecoin-cli wallet unlock",))
        assert "hunter2" not in result.stderr + result.stdout, result
    nowhere = f"{directory}/nowhere.sock"
    for form in ("json", "compact"):
        for words in (("getblockcount",), ("status",), ("watch",), ("send", "x", "1", "--wait")):
            result = refused(69, CLI, "--socket", nowhere, "-o", form, *words)
            error = json.loads(result.stderr)
            assert error["code"] == 69 and error["reason"] == "unreachable" and error["hint"], error
    assert json.loads(refused(64, CLI, "-o", "json", "nosuch").stderr)["code"] == 64
    assert json.loads(refused(64, CLI, "nosuch", "--nosuch", "-o", "json").stderr)["code"] == 64
    start = time.monotonic()
    result = refused(75, CLI, "--socket", nowhere, "-o", "json", "--wait-ready", "--timeout", "1", "getblockcount")
    assert json.loads(result.stderr)["code"] == 75 and 0.9 < time.monotonic() - start < 5, result
    text = run(CLI, "help").stdout
    assert "--wait-ready" in text and "completions bash|zsh|fish" in text, text
    passes("the command line: no secret as argument, errors as JSON with their status, --wait-ready ends with 75")


def test_completions():
    refused(64, CLI, "completions", words=("bash|zsh|fish",))
    refused(64, CLI, "completions", "tcsh", words=("bash|zsh|fish",))
    methods = [line.split()[0] for line in run(CLI, "help").stdout.split("Methods of the node", 1)[1].splitlines()[1:]
               if line.strip()]
    for shell in ("bash", "zsh", "fish"):
        script = run(CLI, "completions", shell).stdout
        assert all(method in script for method in [*methods, "status", "watch"]), shell
    script = run(CLI, "completions", "bash").stdout

    def complete(*words):
        line = " ".join(f"'{word}'" for word in words)
        return run("bash", "-uc", f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}\n"
                   "_timecoin_cli; printf '%s\\n' \"${COMPREPLY[@]}\"").stdout.split()

    assert complete("timecoin-cli", "getblockcou") == ["getblockcount"]
    assert complete("timecoin-cli", "--wait-") == ["--wait-ready"]
    assert complete("timecoin-cli", "wallet", "") == ["unlock", "lock", "address"]
    assert complete("timecoin-cli", "-o", "j") == ["json"]
    assert "getblock" in complete("timecoin-cli", "help", "getb")
    assert complete("timecoin-cli", "--datadir", "/et") == ["/etc"]
    passes("completions for three shells name every command; bash's complete commands, options and values")


def test_waiting_and_watching(directory):
    network = f"{directory}/network"
    node = f"{network}/node0"
    command = (NODE, "run", "--datadir", node, "--network", "local", "--listen", "127.0.0.1:0")
    waiting = subprocess.Popen((CLI, "--datadir", node, "--network", "local", "--wait-ready", "getblockcount"),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # It has looked for the node at least once before the node is there.
    time.sleep(0.3)
    assert waiting.poll() is None, waiting.communicate()
    for end in (signal.SIGKILL, signal.SIGTERM, None):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if waiting is not None:
                out, error = waiting.communicate(timeout=20)
                assert waiting.returncode == 0 and int(out) >= 0, (waiting.returncode, out, error)
                waiting = None
            run(CLI, "--datadir", node, "--wait-ready", "uptime")
            watch = subprocess.Popen((CLI, "--datadir", node, "-o", "json", "watch"),
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            # It waits in a call: one connection to the socket more than before.
            wait("the watcher is connected", lambda: open(f"/proc/{watch.pid}/net/unix").read().count(
                f"{node}/local/node.sock") >= 2, 10)
            if end is None:
                run(CLI, "--datadir", node, "stop")
            else:
                process.send_signal(end)
            process.wait(timeout=20)
            _, error = watch.communicate(timeout=20)
            assert watch.returncode == 69 and json.loads(error)["code"] == 69, (end, watch.returncode, error)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    passes("--wait-ready returns when a node comes; watch ends with 69 when its node is killed, ended or stopped")


def test_deep_directory(directory):
    deep = directory + "/" + "/".join(["a-directory-with-a-long-name"] * 6)
    runtime = f"{directory}/runtime"
    os.mkdir(runtime, 0o700)
    private = f"{runtime}/timecoin-{os.getuid()}"
    os.environ["XDG_RUNTIME_DIR"] = runtime
    up = (NODE, "localnet", "up", "--dir", deep, "--validators", "1", "--block-time", "1", "--detach")
    try:
        run(*up)
        assert stat.S_IMODE(os.lstat(private).st_mode) == 0o700
        (name,) = os.listdir(private)
        count = (CLI, "--datadir", f"{deep}/node0", "--network", "local", "getblockcount")
        run(*count)
        os.chmod(private, 0o755)
        refused(78, *count, words=(private, "755"))
        os.chmod(private, 0o700)
        run(*count)
        os.rename(private, f"{runtime}/other")
        os.symlink(f"{runtime}/other", private)
        refused(78, *count, words=(private, "no directory"))
        run(NODE, "localnet", "down", "--dir", deep)
        # Listening is refused as connecting is.
        node = (NODE, "run", "--datadir", f"{deep}/node0", "--network", "local", "--listen", "127.0.0.1:0")
        refused(78, *node, words=(private, "no directory"))
        os.unlink(private)
        refused(69, *count)
        run(*up)
        run(*count)
    finally:
        run(NODE, "localnet", "down", "--dir", deep, check=False)
        del os.environ["XDG_RUNTIME_DIR"]
    passes("below a deep directory the socket is in a private directory, which nobody else may have made")


directory = tempfile.mkdtemp(prefix="timecoin-test.")
try:
    path = test_genesis_arguments(directory)
    test_genesis_check(directory, path)
    test_localnet_arguments(directory)
    test_interrupted_up(directory)
    test_localnet(directory)
    test_reading(directory)
    test_command_line(directory)
    test_completions()
    test_waiting_and_watching(directory)
    test_deep_directory(directory)
finally:
    for name in ("network", "interrupted", "reading"):
        run(NODE, "localnet", "down", "--dir", f"{directory}/{name}", check=False)
    shutil.rmtree(directory, ignore_errors=True)
finish()
