"""Four real nodes under load: one loses its chain, loads a snapshot that another made while it ran, catches up and votes
again, without the history; another then fetches the whole chain although one of its peers has only the end of it. Run by
Scripts/test-network.

usage: test_snapshots.py PROGRAMS
"""

import json
import os
import shutil
import time

from links import Load, Spawned
from support import NODE, finish, passes, run, same_chain, signatures_once_each, signed_by, wait


class PlainNetwork(Spawned):
    """Nodes that dial each other directly."""

    def __init__(self):
        super().__init__(4, "1")
        for index in range(self.count):
            self.start(index)

    def listen(self, index):
        return f"127.0.0.1:{self.ports[index]}"

    def peers(self, index):
        return [f"127.0.0.1:{self.ports[far]}" for far in range(self.count) if far != index]

    def stop(self, index):
        self.processes[index].terminate()
        assert self.processes.pop(index).wait(30) == 0

    def node(self, index, *arguments, check=True):
        return run(NODE, *arguments, "--datadir", f"{self.directory}/node{index}", "--network", "local", "-o", "json",
                   check=check)

    def path(self, index, *names):
        return os.path.join(self.directory, f"node{index}", "local", *names)


def sound(network, index):
    verified = json.loads(network.node(index, "db", "verify").stdout)
    assert verified["ok"] and verified["damaged"] == [], verified
    return verified


with PlainNetwork() as network:
    wait("four blocks", lambda: network.height(0) >= 4, 60)
    load = Load(network, 1, pause=0.1)
    member = network.json(3, "getconsensusinfo")["self"]
    wait("payments in blocks", lambda: len(load.sent) > 20, 30)
    network.stop(3)
    left_at = network.height(0)
    shutil.rmtree(network.path(3, "chain"))

    snapshot = os.path.join(network.directory, "chain.snapshot")
    made = json.loads(network.node(0, "snapshot", "create", snapshot).stdout)
    assert made["height"] >= left_at, made
    assert not os.path.exists(snapshot + ".copy"), "the copy is left"
    verified = json.loads(network.node(3, "snapshot", "verify", snapshot).stdout)
    assert verified == made, (verified, made)
    refused = network.node(3, "snapshot", "verify", snapshot, "--trusted", "00" * 32, check=False)
    assert refused.returncode == 65 and json.loads(refused.stderr)["reason"] == "bad-input", refused
    loaded = json.loads(network.node(3, "snapshot", "load", snapshot).stdout)
    assert loaded["snapshot"] == made and loaded["signrecord"] is True, loaded
    assert sound(network, 3)["height"] == made["height"]
    passes(f"a running node made a snapshot of block {made['height']}, {made['outputs']} outputs, {made['bytes']} bytes; "
           "it was verified and loaded where the chain was lost")

    before = network.height(0)
    start = time.monotonic()
    network.start(3)
    wait("it is at the height of the others", lambda: network.height(3) >= before, 30)
    caught = time.monotonic() - start
    wait("its precommit in a certificate", lambda: signed_by(network, member, before, 0), 40)
    voted = time.monotonic() - start
    old = network.call(3, "getblock", "1")
    assert "error" in old, old
    passes(f"from the snapshot it caught up {caught:.1f} s after its start and its precommit is in a certificate after "
           f"{voted:.1f} s; of block 1 it says: {old['error']['message']}")

    network.stop(2)
    shutil.rmtree(network.path(2, "chain"))
    before = network.height(0)
    network.start(2)
    took = wait("the whole chain fetched", lambda: network.height(2) >= before, 60)
    assert "result" in network.call(2, "getblock", "1")
    assert all(process.poll() is None for process in network.processes.values()), "a node has ended"
    stuck = network.height(0)
    wait("the chain goes on", lambda: network.height(3) > stuck, 30)
    load.ended.set()
    load.thread.join()
    # What became final before the snapshot is not in that node's chain; the others tell it.
    load.sent = [(0 if source == 3 else source, txid) for source, txid in load.sent]
    sent = load.stop()
    wait("all at one height", lambda: len({network.height(index) for index in range(4)}) == 1, 30)
    supply = {json.dumps(network.json(index, "getblockchaininfo")["supply"]) for index in range(4)}
    assert len(supply) == 1, supply
    top = same_chain(network, (0, 1, 2))
    assert len({network.json(index, "getblockheader", str(top))["hash"] for index in range(4)}) == 1
    network.down()
    for index in range(4):
        sound(network, index)
    count = signatures_once_each(network)
    passes(f"another fetched all {top} blocks in {took:.1f} s with that node among its peers; {sent} acknowledged payments "
           f"are final, four databases are sound, {count} signatures and never two at a position")
finish()
