"""Four real nodes: agreement, payment, kills. Run by Scripts/test-network with the folder of the programs."""

import shutil
import threading
import time

from support import (CLI, Network, final_everywhere, finish, new_address, passes, pay, run, same_chain, signed_by,
                     signatures_once_each, wait)


def test_payment(network):
    txid = pay(network, 0, 3)
    took = wait("payment final on all four", lambda: final_everywhere(network, txid), 10)
    blocks = {network.json(index, "gettransaction", txid)["blockhash"] for index in range(4)}
    assert len(blocks) == 1, blocks
    passes(f"a payment is final on all four in the same block, after {took:.2f} s")


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


def explains(network, index, missing):
    """Whether a node says that it waits for the votes of exactly these members, in every form of the answer."""
    status = network.json(index, "getconsensusstatus")
    if status["waitingfor"] not in ("prevotes", "precommits") or set(status["missing"]) != missing:
        return False
    votes = status[status["waitingfor"]]
    assert set(votes["missing"]) == missing and votes["lackingweight"] > 0, status
    assert votes["valueweight"] + votes["nilweight"] + votes["missingweight"] == status["totalweight"], status
    text = run(CLI, "--socket", network.socket(index), "consensus", "explain").stdout
    sentence, table = text.split("\n\n")
    named = {member["key"] for member in status["members"] if member["key"][:12] in sentence.split("missing ")[1]}
    assert named == missing and "with weight" in sentence, sentence
    assert len(table.strip().splitlines()) == 1 + len(status["members"]), table
    return network.json(index, "consensus", "explain")["missing"] == status["missing"]


def test_two_killed(network):
    """K4: half of the weight decides nothing."""
    missing = {network.json(index, "getconsensusinfo")["self"] for index in (1, 2)}
    network.kill(1)
    network.kill(2)
    # That nothing happens can only be waited for: longer than a slot, so that a block was due.
    time.sleep(1)
    stuck = network.height(0)
    time.sleep(7)
    assert network.height(0) <= stuck + 1 and network.height(3) <= stuck + 1, "a minority went on"
    stuck = max(network.height(0), network.height(3))
    for index in (0, 3):
        wait("the two are named", lambda: explains(network, index, missing), 10)
    passes("two killed: the others explain that they wait for the votes of exactly these two")
    network.restart(1)
    took = wait("a new final block", lambda: network.height(0) > stuck, 20)
    network.restart(2)
    passes(f"two killed: no block; one back: a new final block after {took:.2f} s")


def test_all_killed(network, times=3):
    """K6: all killed, all started: the network goes on by itself."""
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


def test_many_payments(network, count=500):
    addresses = [new_address(network, index) for index in range(4)]
    txids = [[] for _ in range(4)]
    refused = []

    def submit(index):
        for number in range(count // 4):
            answer = network.call(index, "sendtoaddress", addresses[(index + number) % 4], "0.001")
            if "result" in answer:
                txids[index].append(answer["result"])
            else:
                refused.append(answer["error"]["data"]["reason"])

    start = time.monotonic()
    threads = [threading.Thread(target=submit, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = sum(txids, [])
    assert len(sent) + len(refused) == count and len(set(sent)) == len(sent), (len(sent), len(refused))
    for txid in sent:
        wait(f"{txid} final", lambda: all(
            network.call(index, "gettransaction", txid).get("result", {}).get("final") for index in range(4)), 60)
    took = time.monotonic() - start
    same_chain(network)
    passes(f"{count} payments at four nodes at once: {len(sent)} final on all after {took:.1f} s, "
           f"{len(refused)} refused {sorted(set(refused))}")


def test_double_spend(network):
    """Two transactions of one output: the first is made, forgotten with its node's memory, and made again."""
    for index in (1, 2, 3):
        network.kill(index)
    raw = []
    balance = float(network.cli(0, "getbalance").stdout.strip().strip('"'))
    for target in range(2):
        address = new_address(network, 0)
        txid = network.cli(0, "sendtoaddress", address, f"{balance * (0.6 + target / 10):.8f}").stdout.strip().strip('"')
        raw.append((txid, network.cli(0, "getrawtransaction", txid).stdout.strip().strip('"')))
        network.kill(0)
        shutil.rmtree(f"{network.directory}/node0/local/submitted")
        network.restart(0)
        wait("node 0 answers", lambda: network.height(0) >= 0, 20)
    decoded = [network.json(0, "decoderawtransaction", bytes_) for _, bytes_ in raw]
    spent = [{(entry["txid"], entry["vout"]) for entry in each["vin"]} for each in decoded]
    assert raw[0][0] != raw[1][0] and spent[0] & spent[1], "the two spend nothing in common"
    for index in (1, 2, 3):
        network.restart(index)
    wait("all answer", lambda: all(network.height(index) >= 0 for index in range(4)), 20)
    answers = [None, None]

    def submit(which):
        answers[which] = network.call(1 + which, "sendrawtransaction", raw[which][1])

    threads = [threading.Thread(target=submit, args=(which,)) for which in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def final(which, index):
        return network.call(index, "gettransaction", raw[which][0]).get("result", {}).get("final", False)

    wait("one of the two final on all",
         lambda: any(all(final(which, index) for index in range(4)) for which in range(2)), 20)
    winner = 0 if final(0, 0) else 1
    stuck = network.height(0)
    wait("two more blocks", lambda: network.height(0) >= stuck + 2, 20)
    assert not any(final(1 - winner, index) for index in range(4)), "both became final"
    refused = network.call(3, "sendrawtransaction", raw[1 - winner][1])
    assert "error" in refused, refused
    same_chain(network)
    passes(f"a double spend to two nodes has one winner everywhere; the other is refused: {refused['error']['message']}")


def test_alone(network):
    """Handed in at a node that nobody hears, which is then killed: the answer was a promise."""
    for index in (1, 2, 3):
        network.kill(index)
    txid = pay(network, 0, 0, "0.25")
    network.kill(0)
    network.restart(0)
    wait("node 0 has it again", lambda: network.json(0, "gettransaction", txid)["txid"] == txid, 20)
    for index in (1, 2, 3):
        network.restart(index)
    took = wait("final on all four", lambda: final_everywhere(network, txid), 20)
    passes(f"a payment taken by a lonely node outlives its kill and is final {took:.2f} s after the others came")


def test_journals(network):
    network.down()
    count = signatures_once_each(network)
    assert count > 100, count
    passes(f"the four journals joined: {count} votes and proposals, never two signatures at one position")


with Network() as network:
    test_payment(network)
    test_one_killed(network)
    test_two_killed(network)
    test_all_killed(network)
    test_many_payments(network)
    test_alone(network)
    test_double_spend(network)
    test_journals(network)
finish()
