"""How long a fresh node takes to fetch a whole chain over loopback: wall and processor time, synced writes, memory. With two
folders of programs both are measured on the same chain, in turns, and the ratio is printed. No figure is a failure.

usage: measure_sync.py PROGRAMS [BLOCKS] [EARLIER_PROGRAMS]
"""

import json
import os
import shutil
import subprocess
import sys
import threading

import support
from links import Spawned
from support import run, wait

BLOCKS = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
FOLDERS = [sys.argv[1]] + sys.argv[3:4]
TURNS = 3
PAYERS = 4


class Chain(Spawned):
    """One validator, so that blocks come as fast as payments; slots are so long that none comes without."""

    def __init__(self):
        super().__init__(1, "600")
        self.start(0)

    def __enter__(self):
        wait("it answers", lambda: self.height(0) >= 0, 20)
        return self

    def listen(self, index):
        return f"127.0.0.1:{self.ports[index]}"

    def peers(self, index):
        return []

    def grow(self, blocks):
        ended = threading.Event()
        address = support.new_address(self, 0)

        def pay():
            while not ended.is_set():
                self.call(0, "sendtoaddress", address, "0.001")

        threads = [threading.Thread(target=pay, daemon=True) for _ in range(PAYERS)]
        for thread in threads:
            thread.start()
        wait(f"{blocks} blocks", lambda: self.height(0) >= blocks, 3600)
        ended.set()
        for thread in threads:
            thread.join()
        wait("nothing waits", lambda: self.json(0, "getmempoolinfo")["size"] == 0, 60)
        return self.height(0)


def fetch(chain, folder, height, tracer=()):
    """Starts a node that has only the genesis and waits until it has everything."""
    directory = os.path.join(chain.directory, "fresh")
    shutil.rmtree(directory, ignore_errors=True)
    node = os.path.join(folder, "timecoin-node")
    run(node, "init", "--datadir", directory, "--network", "local")
    shutil.copy(f"{chain.directory}/node0/local/genesis.json", f"{directory}/local/genesis.json")
    process = subprocess.Popen(
        [*tracer, node, "run", "--datadir", directory, "--network", "local",
         "--listen", "127.0.0.1:0", "--peer", chain.listen(0)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    socket = f"{directory}/local/node.sock"

    def there():
        count = {"jsonrpc": "2.0", "id": 1, "method": "getblockcount", "params": []}
        return support.post(socket, count)[1]["result"] >= height

    wall = wait("the whole chain", there, 600)
    figures = {"wall": wall}
    if not tracer:
        with open(f"/proc/{process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        figures["processor"] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        with open(f"/proc/{process.pid}/status") as file:
            figures["memory"] = next(int(line.split()[1]) / 1000 for line in file if line.startswith("RssAnon"))
    run("kill", "-TERM", str(process.pid) if not tracer else children(process.pid)[0])
    process.wait(60)
    return figures


def children(parent):
    return subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True).stdout.split()


def synced(chain, folder, height):
    """Synced writes of a whole fetch, by `strace`; None where there is none."""
    if shutil.which("strace") is None:
        return None
    report = os.path.join(chain.directory, "strace")
    fetch(chain, folder, height, ("strace", "-f", "-c", "-e", "trace=fdatasync,fsync", "-o", report))
    with open(report) as file:
        return sum(int(line.split()[3]) for line in file if line.rstrip().endswith(("fdatasync", "fsync")))


with Chain() as chain:
    height = chain.grow(BLOCKS)
    turns = [[fetch(chain, folder, height) for folder in FOLDERS] for _ in range(TURNS)]
    medians = []
    for place, folder in enumerate(FOLDERS):
        figures = {
            key: sorted(turn[place][key] for turn in turns)[TURNS // 2] for key in ("wall", "processor", "memory")}
        figures["synced"] = synced(chain, folder, height)
        medians.append(figures)
        print(json.dumps({
            "programs": folder, "blocks": height, "seconds": round(figures["wall"], 2),
            "blocksPerSecond": round(height / figures["wall"]), "processorSeconds": round(figures["processor"], 2),
            "anonymousMegabytes": round(figures["memory"]), "syncedWrites": figures["synced"]}))
    if len(medians) > 1:
        now, before = medians
        print("of the earlier programs: " + ", ".join(
            f"{key} {now[key] / before[key]:.2f}" for key in ("wall", "processor", "memory", "synced") if before[key]))
