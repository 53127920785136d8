"""The recorded cases, by version of Kubernetes and family: all of them, or an even sample."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

DATA = Path(__file__).parent / "data"
VERSIONS = ("1.34", "1.36")
FULL = os.environ.get("KSCHEDCORE_CONFORMANCE") == "full"

Json = dict[str, Any]


class Case(NamedTuple):
    """A cluster, the pods to place on it in this order, and the Step recorded for each."""

    id: str
    cluster: Json
    pending: list[Json]
    expected: list[Json]


def families(version: str) -> list[str]:
    """The families with recordings of a version, by name."""
    return sorted(path.name.removesuffix(".jsonl.gz") for path in DATA.glob(f"v{version}/*.jsonl.gz"))


def cases(version: str, family: str, *, every: int = 1) -> Iterator[Case]:
    """Each `every`-th case of a family; all of them when KSCHEDCORE_CONFORMANCE=full."""
    with gzip.open(DATA / f"v{version}" / f"{family}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if FULL or number % every == 0:
                yield Case(**json.loads(line))
