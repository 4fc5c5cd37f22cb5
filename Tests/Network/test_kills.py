"""Real nodes killed with -9 under load, some at a time and now and then all. Run by Scripts/test-network.

usage: test_kills.py PROGRAMS [KILLS [VALIDATORS [SEED]]]
"""

import random
import sys

from links import Load, ProxiedNetwork
from support import finish, passes, same_chain, signatures_once_each, wait

kills = int(sys.argv[2]) if len(sys.argv) > 2 else 20
validators = int(sys.argv[3]) if len(sys.argv) > 3 else 4
seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1


def answers(network, index):
    return network.height(index) >= 0


with ProxiedNetwork(validators) as network:
    everybody = range(validators)
    wait("the first block", lambda: all(network.height(index) >= 1 for index in everybody), 40)
    draw = random.Random(seed)
    load = Load(network, seed)
    done, most = 0, 0.0
    while done < kills:
        width = validators if draw.random() < 0.1 else draw.randint(1, max(1, validators // 2))
        victims = draw.sample(list(everybody), min(width, kills - done))
        load.ended.wait(draw.uniform(0, 0.3))  # Any moment: of a commit, of a vote, of nothing.
        for index in victims:
            network.kill(index)
        done += len(victims)
        for index in victims:
            network.start(index)
        for index in victims:
            wait(f"node {index} answers", lambda: answers(network, index), 30)
        stuck = max(network.height(index) for index in everybody)
        most = max(most, wait("a new final block", lambda: network.height(victims[0]) > stuck, 30))
    sent = load.stop()
    wait("all at one height", lambda: len({network.height(index) for index in everybody}) == 1, 30)
    top = same_chain(network, everybody)
    network.down()
    signatures = signatures_once_each(network)
    passes(f"{validators} nodes, {done} kills under load: {sent} acknowledged payments are final, one chain of "
           f"{top} blocks, {signatures} signatures and never two at a position; a new block at most {most:.2f} s after")
finish()
