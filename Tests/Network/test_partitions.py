"""Real nodes whose network is cut, held, delayed and drained one way. Run by Scripts/test-network.

usage: test_partitions.py PROGRAMS [CYCLES [VALIDATORS [SEED]]]
"""

import random
import sys
import time

from links import Load, NamespaceNetwork, ProxiedNetwork
from support import finish, passes, same_chain, signatures_once_each, wait

cycles = int(sys.argv[2]) if len(sys.argv) > 2 else 8
validators = int(sys.argv[3]) if len(sys.argv) > 3 else 4
seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
# A timeout of a local network in a round that a partition of some seconds reaches, and five seconds.
HEALED_MAX = 15.0
# What nine of ten stay within.
HEALED_USUAL = 5.0


def tops(network):
    return [network.height(index) for index in range(network.count)]


def cycle(network, kind, draw):
    """One disturbance; returns after how many seconds everybody had a block beyond what anybody had."""
    before = max(tops(network))
    goes_on = network.trouble(kind, draw)
    lasts = draw.uniform(1.0, 4.0)
    # How long the disturbance lasts is its nature; nothing can be waited for instead.
    time.sleep(lasts)
    during = max(tops(network)) - before
    network.heal()
    stuck = max(tops(network))
    took = wait("a new final block everywhere", lambda: min(tops(network)) > stuck, HEALED_MAX)
    print(f"   {kind} for {lasts:.1f} s, {'a quorum' if goes_on else 'no quorum'} whole: {during} blocks meanwhile, "
          f"a new one everywhere after {took:.2f} s", flush=True)
    return took


def disturbed(network, kinds, count, name):
    draw = random.Random(seed)
    load = Load(network, seed)
    took = []
    for number in range(count):
        took.append(cycle(network, kinds[number % len(kinds)], draw))
    sent = load.stop()
    wait("all at one height", lambda: len(set(tops(network))) == 1, 20)
    top = same_chain(network, range(network.count))
    late = sum(each > HEALED_USUAL for each in took)
    assert 10 * late <= count, f"{late} of {count} took longer than {HEALED_USUAL} s: {took}"
    network.down()
    signatures = signatures_once_each(network)
    passes(f"{validators} nodes, {name}: {count} times, {sent} payments final, one chain of {top} blocks, {signatures} signatures and "
           f"never two at a position; a new block after {sorted(took)[len(took) // 2]:.2f} s (median), "
           f"{max(took):.2f} s (most)")


with ProxiedNetwork(validators) as network:
    wait("the first block", lambda: min(tops(network)) >= 1, 40)
    disturbed(network, ["cut", "hold", "one-way", "delay"], cycles, "partitions by proxies")

missing = NamespaceNetwork.missing()
if missing:
    print(f"SKIPPED: partitions by network namespaces: {missing}", flush=True)
else:
    with NamespaceNetwork(validators) as network:
        wait("the first block", lambda: min(tops(network)) >= 1, 40)
        disturbed(network, ["both-ways", "one-way"], max(2, cycles // 2), "partitions by network namespaces")
finish()
