"""Objects of every kind with numeric and time fields at their edges: the cluster survives what it accepts."""

from __future__ import annotations

from random import Random

from tests.field.schema_edges import EDGES, Path, edge_fields
from tests.field.survival import Field, created, problem, restored

from kschedcore.api.machinery.kinds import KINDS

_COUNTS = ("replicas", "parallelism", "minReplicas", "maxReplicas")
_MOST = 100
"""The largest count that is drawn: of one larger, the cluster makes thousands of pods."""


def _drawn(random: Random, field: Path, of: str) -> Field:
    values = EDGES[of]
    if field[-1] in _COUNTS:
        values = tuple(value for value in values if isinstance(value, int) and value <= _MOST)
    return field, random.choice(values)


def run(seed: int) -> str:
    """Run the case of a seed; return what went wrong, or nothing."""
    random = Random(seed)
    kind = random.choice([each for each in KINDS if edge_fields(each)])
    chosen = random.sample(edge_fields(kind), min(8, len(edge_fields(kind))))
    fields = [_drawn(random, *each) for each in chosen]
    begin = created if random.random() < 0.5 else restored
    cluster = begin(kind, fields)
    found = "" if cluster is None else problem(cluster)
    return f"{begin.__name__} {kind.resource.plural} {fields}: {found}" if found else ""
