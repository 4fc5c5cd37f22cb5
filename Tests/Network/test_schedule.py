"""The schedule of real nodes: one block a slot when idle, and slept slots caught up, never more."""

import os
import signal
import time

from support import Network, finish, pay, passes, same_chain, wait


def slots(network, index=0):
    blocks = [network.json(index, "getblock", str(height)) for height in range(1, network.height(index) + 1)]
    return [(block["slot"], block["kind"]) for block in blocks]


def test_idle(network, count=5):
    wait(f"{count} slots", lambda: network.height(0) >= count, 30)
    made = slots(network)
    assert made == [(slot, "scheduled") for slot in range(1, len(made) + 1)], made
    info = network.json(0, "getblockchaininfo")
    assert abs(time.time() * 1000 - info["time"]) < 5000, info
    passes(f"an idle network made exactly one block a slot for {len(made)} slots")


def test_slept(network, seconds):
    pids = [node["pid"] for node in network.status()]
    before = network.height(0)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)

    def due():
        first = network.json(0, "getblock", "1")
        return int(time.time() * 1000 - first["time"]) // 2000 + first["slot"]

    wait("the slept slots are caught up", lambda: network.height(0) >= due() - 1, 30)
    made = slots(network)
    assert made == [(slot, "scheduled") for slot in range(1, len(made) + 1)], made
    assert len(made) <= due(), (made, due())
    passes(f"all slept for {seconds} s: {len(made) - before} slots caught up, each with one block")


def test_payment_between(network):
    before = len(slots(network))
    start = time.monotonic()
    txid = pay(network, 0, 1)
    wait("the payment is final on all", lambda: all(
        network.json(index, "gettransaction", txid)["final"] for index in range(4)), 10)
    took = time.monotonic() - start
    height = network.json(0, "gettransaction", txid)["height"]
    block = network.json(0, "getblock", str(height))
    made = slots(network)
    scheduled = [slot for slot, kind in made if kind == "scheduled"]
    assert scheduled == list(range(1, len(scheduled) + 1)) and len(made) > before, made
    same_chain(network)
    passes(f"a payment is final after {took:.2f} s, in a {block['kind']} block; still one scheduled block a slot")


with Network(block_time="2") as network:
    test_idle(network)
    test_slept(network, 7)
    test_payment_between(network)
finish()
