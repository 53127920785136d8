"""Every numeric and time field of every kind, as the schema tables list them, at its edges."""

from __future__ import annotations

from random import Random

import pytest
from tests.apiserver.server import RESOURCES
from tests.field.schema_edges import BASES, EDGES, Path, edge_fields, with_value
from tests.field.survival import created, problem, restored

from kschedcore.api.machinery.kinds import KINDS, Kind
from kschedcore.api.machinery.types import CLUSTER_SCOPE, DEFAULT_NAMESPACE
from kschedcore.apiserver import APIServer
from kschedcore.client.transport import path_of


def _own_fields(kind: Kind) -> list[tuple[Path, str]]:
    """The fields of a kind without those of pods that it has templates of; pods have these."""
    return [
        (path, of) for path, of in edge_fields(kind)
        if not ("template" in path and "spec" in path[path.index("template") :])
    ]  # fmt: skip


def test_every_kind_has_a_valid_object() -> None:
    assert set(BASES) == set(RESOURCES)


NEVER_ACCEPTED = {
    ("ephemeralContainers",): "set through a subresource of its own",
    ("readinessProbe", "terminationGracePeriodSeconds"): "must not be set",
    ("overhead",): "must be that of a RuntimeClass",
    ("target", "value"): "not for metrics of this type",
    ("target", "averageUtilization"): "not for metrics of this type",
    ("spec", "metadata"): "cannot be set in a template of claims",
    ("volumeClaimTemplate", "metadata"): "cannot be set in a template of claims",
    ("validRange", "step"): "no edge is below the capacity",
    ("activeDeadlineSeconds",): "not in the templates of workloads that run for ever",
}
"""Parts of the paths of fields that no created object has, and why."""


def _is_never_accepted(path: Path) -> bool:
    names = [step for step in path if isinstance(step, str)]
    return any(
        tuple(names[index : index + len(part)]) == part
        for part in NEVER_ACCEPTED
        for index in range(len(names))
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.resource.plural)
def test_some_edge_of_every_field_is_accepted(kind: Kind) -> None:
    """The objects made from the schema are valid but for the field, so the edges reach the components."""
    resource = kind.resource
    path = path_of(
        resource.api_version, resource.plural, DEFAULT_NAMESPACE if resource.namespaced else CLUSTER_SCOPE
    )
    server = APIServer()
    server.request("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    refused = []
    for number, (field, of) in enumerate(_own_fields(kind)):
        if field[0] in ("metadata", "status") or _is_never_accepted(field):
            continue
        answers = []
        for at, value in enumerate(EDGES[of]):
            code, answer = server.request("POST", path, with_value(kind, field, value, f"edge{number}-{at}"))
            answers.append(answer.get("message", ""))
            assert code < 500
            if code == 201:
                break
        else:
            refused.append((field, answers))
    assert refused == []


@pytest.mark.parametrize("begin", [created, restored], ids=lambda each: each.__name__)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.resource.plural)
def test_the_cluster_survives_edges(kind: Kind, begin: object) -> None:
    """One edge of some fields of each kind; ``make fuzz`` draws from all of them."""
    random = Random(kind.resource.plural)
    fields = [(path, random.choice(EDGES[of])) for path, of in _own_fields(kind) if path[-1] != "replicas"]
    if not fields:
        return
    chosen = random.sample(fields, min(12, len(fields)))
    cluster = created(kind, chosen) if begin is created else restored(kind, chosen)
    assert cluster is None or problem(cluster) == ""
