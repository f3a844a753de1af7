"""The command line behind tools/chaos: which scenarios, how often, and what came of them."""

import argparse
import random
import sys
import time
import traceback

from scenarios import OF_ONE_NODE, SCENARIOS, play


def parse():
    parser = argparse.ArgumentParser(prog="tools/chaos", description="see tools/chaos")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", choices=[[], *SCENARIOS], help=" ".join(SCENARIOS))
    parser.add_argument("--minutes", type=float, metavar="N", help="random scenarios for so long")
    parser.add_argument("--nodes", type=int, default=3, metavar="N", help="of a cluster (3); 1: what one node must stand")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of what is chosen at random")
    parser.add_argument("--no-transactions", dest="transactions", action="store_false",
                        help="only producers without transactions")
    return parser.parse_args()


def chosen(options, source):
    known = [name for name in SCENARIOS if options.nodes > 1 or name in OF_ONE_NODE]
    names = options.scenarios or known
    if options.minutes is None:
        yield from names
        return
    end = time.monotonic() + options.minutes * 60
    while time.monotonic() < end:
        yield source.choice(names)


def run_one(name, seed, options):
    began = time.monotonic()
    try:
        problems, what = play(name, seed, options.nodes, options.transactions)
    except Exception:  # whatever a client or the cluster raises is a failed scenario
        problems, what = traceback.format_exc().splitlines(), "did not end"
    took = time.monotonic() - began
    print(f"{'FAILED' if problems else 'ok'} {name} ({took:.0f} s; {what})", flush=True)
    for line in problems:
        print(f"    {line}")
    if problems:
        print(f"    again: tools/chaos {name} --seed {seed} --nodes {options.nodes}"
              + ("" if options.transactions else " --no-transactions"), flush=True)
    return not problems


def main():
    options = parse()
    passed = failed = 0
    # A scenario that is run alone with the seed that a failure named is the same one again.
    for turn, name in enumerate(chosen(options, random.Random(options.seed))):
        if run_one(name, options.seed + turn, options):
            passed += 1
        else:
            failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
