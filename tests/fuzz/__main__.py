"""Run fuzzers: ``python -m tests.fuzz [NAME…] [--minutes M] [--seed N]``."""

from __future__ import annotations

import argparse
import itertools
import sys
import time

from .fuzzers import FUZZERS, fault_of


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(FUZZERS), help=f"of {', '.join(FUZZERS)}")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to run each")
    parser.add_argument("--seed", type=int, help="repeat the case of this seed")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    failed = 0
    for name in options.names:
        seeds = itertools.count(options.first) if options.seed is None else iter([options.seed])
        end = time.monotonic() + 60 * options.minutes
        cases = 0
        for seed in seeds:
            fault = fault_of(FUZZERS[name], seed)
            cases += 1
            if fault:
                failed += 1
                _write(f"{name}: seed {seed}: {fault}")
            if time.monotonic() > end:
                break
        _write(f"{name}: {cases} cases")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
