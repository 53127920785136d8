"""The engine allocates devices as the plain reference model does, through random histories."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, note, settings
from tests.model import ReferenceScheduler

from kschedcore.conformance.scheduler import by_owner
from kschedcore.testing.replay import EngineScheduler, Replay
from kschedcore.testing.strategies.devices import device_histories
from kschedcore.testing.strategies.histories import History

Json = dict[str, Any]

THOROUGH = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Model(ReferenceScheduler):
    """The reference model, and the ResourceClaim controller's part when a pod is gone: its claims are given back."""

    def remove_pod(self, namespace: str, name: str) -> None:
        super().remove_pod(namespace, name)
        claims = self.snapshot().objects.resource_claims
        for claim in list(claims.values()):
            consumers = (claim.get("status") or {}).get("reservedFor") or []
            left = [each for each in consumers if each["name"] != name]
            if len(left) == len(consumers):
                continue
            if left:
                self.set_object(
                    "resourceClaims", {**claim, "status": {**claim["status"], "reservedFor": left}}
                )
            elif claim["metadata"].get("annotations"):
                self.remove_object("resourceClaims", claim)
            else:
                self.set_object("resourceClaims", {**claim, "status": {}})


def comparable(step: Json) -> Json:
    """A step without the order of reasons, names that are drawn, and keys that say nothing."""
    plain = {key: value for key, value in by_owner(step).items() if value}
    for node, verdict in plain.get("rejected", {}).items():
        plain["rejected"] = {**plain["rejected"], node: {**verdict, "reasons": sorted(verdict["reasons"])}}
    return plain


@THOROUGH
@given(device_histories())
def test_histories(history: History) -> None:
    model, engine, uncached = (
        Model(history.cluster),
        EngineScheduler(history.cluster),
        EngineScheduler(history.cluster, forgetful=True),
    )
    for decision in Replay(history, model, engine, uncached).decisions():
        note(str(decision.pod))
        expected, *others = map(comparable, decision.steps)
        for step in others:
            assert step == expected
