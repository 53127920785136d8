"""Exceptions that reach a user are classes of ``kschedcore.errors``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import kschedcore as ks
from kschedcore import errors

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS: dict[str, Callable[[Any], object]] = {
    "drain": lambda cluster: cluster.drain("zz"),
    "cordon": lambda cluster: cluster.cordon("zz"),
    "get": lambda cluster: cluster.get("pod/zz"),
    "get of an unknown kind": lambda cluster: cluster.get("zz/zz"),
    "delete": lambda cluster: cluster.delete("pod/zz"),
    "scale": lambda cluster: cluster.scale("deployment/zz", 3),
    "create twice": lambda cluster: [cluster.create_deployment("w", image="i") for _ in range(2)],
    "fail_node": lambda cluster: cluster.fail_node("zz"),
    "list of an unknown kind": lambda cluster: cluster.list("zz"),
    "run_for": lambda cluster: cluster.run_for("zz"),
    "apply": lambda cluster: cluster.apply({"kind": "Pod"}),
    "remove_pod": lambda _: ks.Engine().remove_pod("zz"),
    "config": lambda _: ks.Engine(config={"kind": "zz"}),
    "load": lambda _: ks.load("/zz"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_errors_of_calls_are_listed(call: Callable[[Any], object]) -> None:
    with ks.Cluster.simulated(nodes=1) as cluster, pytest.raises(errors.KschedcoreError) as raised:
        call(cluster)
    assert type(raised.value).__name__ in errors.__all__
    assert type(raised.value) is getattr(errors, type(raised.value).__name__)


def test_every_listed_error_has_one_base() -> None:
    for name in errors.__all__:
        # Interrupted is Ctrl-C, which no handler of errors may catch, and a warning is no error.
        others = {"Interrupted": KeyboardInterrupt, "APIWarning": UserWarning}
        base = others.get(name, errors.KschedcoreError)
        assert issubclass(getattr(errors, name), base)
