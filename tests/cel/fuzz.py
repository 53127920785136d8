"""Compile and evaluate random expressions; whatever they are, only errors of the language may come out."""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from typing import Final

from tests.cel.environments import BINDINGS, ENVIRONMENT

from kschedcore.cel import CelError

PIECES: Final = (
    *(
        "1",
        "2u",
        "1.5",
        "'a'",
        "b'a'",
        "true",
        "null",
        "i",
        "u",
        "d",
        "s",
        "b",
        "l",
        "ls",
        "m",
        "md",
        "x",
        "a",
    ),
    *("ts", "dur", "q", "[1, 2]", "{'a': 1}", "[", "]", "{", "}", "(", ")", ",", ":", "?", ".", ".?", "[?"),
    *("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "!", "in", "has(", ".map(e, "),
    *(".all(e, ", ".exists(k, v, ", ".filter(e, ", "e", "k", "cel.bind(y, ", "optional.of(", ".orValue("),
    *(".size()", "size(", "dyn(", "int(", "string(", "timestamp(", "duration(", ".matches(", ".format(["),
    *(".f", ".list", "[0]", "quantity('1')", "semver('1.0.0')", ".isLessThan(", "@", "'", '"', "\\", "\n"),
    *("é", "0x", "1e9", "//", "`", "$", "\x00", "9223372036854775807", "__result__", "x.nope"),
)
COST_LIMIT: Final = 20_000


def expression(random_numbers: random.Random) -> str:
    """Return a text that may or may not be an expression."""
    count = random_numbers.randint(1, 14)
    separator = random_numbers.choice((" ", ""))
    return separator.join(random_numbers.choices(PIECES, k=count))


def attempt(text: str) -> str:
    """Compile and evaluate a text; return how far it got.

    Raises:
        Exception: Something else than an error of the language came out.
    """
    try:
        program = ENVIRONMENT.compile(text)
    except CelError:
        return "refused"
    try:
        program.evaluate(BINDINGS, COST_LIMIT)
        program.measured(BINDINGS, COST_LIMIT)
    except CelError:
        return "failed"
    return "evaluated"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    random_numbers = random.Random(options.seed)
    outcomes: dict[str, int] = {}
    for _ in range(options.count):
        text = expression(random_numbers)
        try:
            outcome = attempt(text)
        except Exception as error:
            raise AssertionError(f"{text!r} raised {error!r}") from error
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    print(outcomes)  # noqa: T201


if __name__ == "__main__":
    main()
