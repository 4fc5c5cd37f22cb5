"""Connects a chain of blocks with Bitcoin Core's engine (py-bitcoinkernel) and prints one JSON object.

usage: kernel.py CHAIN [WORKERS]

CHAIN holds records of two little-endian 32-bit numbers, the length of a block and its transactions, and the
block; blocks of more than 100 transactions are counted. The flush when the engine closes is counted, too, by
both clocks: until then its coins are in memory only.
"""
import json
import struct
import sys
import tempfile
import time

import pbk

COUNTED_ABOVE = 100


def blocks(path):
    with open(path, "rb") as file:
        while head := file.read(8):
            length, transactions = struct.unpack("<II", head)
            yield file.read(length), transactions


def main():
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    chain = list(blocks(sys.argv[1]))
    with tempfile.TemporaryDirectory(prefix="kernel") as directory:
        context_options = pbk.ContextOptions()
        context_options.set_chainparams(pbk.ChainParameters(pbk.ChainType.REGTEST))
        context = pbk.Context(context_options)
        options = pbk.ChainstateManagerOptions(context, directory, directory + "/blocks")
        options.set_worker_threads_num(workers)
        engine = pbk.ChainstateManager(options)
        count, wall, processor = 0, 0.0, 0.0
        for raw, transactions in chain:
            start, used = time.perf_counter(), time.process_time()
            engine.process_block(pbk.Block(raw))
            if transactions > COUNTED_ABOVE:
                wall += time.perf_counter() - start
                processor += time.process_time() - used
                count += transactions
        if engine.get_active_chain().height != len(chain):
            sys.exit("the engine refused a block")
        start, used = time.perf_counter(), time.process_time()
        del engine
        wall += time.perf_counter() - start
        processor += time.process_time() - used
    print(json.dumps({"perProcessorSecond": count / processor, "perSecond": count / wall}))


if __name__ == "__main__":
    main()
