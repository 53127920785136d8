"""Components that undo each other's work take time over it, or are named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE, Namespace, Object
from kschedcore.client.loop import MOST_ROUNDS
from kschedcore.cluster.controlplane import ControlPlane
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch, watch_objects
from kschedcore.errors import LivelockError


class _Labeller(Controller):
    """Gives every config map the label that it does not have."""

    def watches(self) -> tuple[Watch, ...]:
        return (watch_objects("configmaps"),)

    def reconcile(self, key: Key) -> Requeue | None:
        found = self.informers["configmaps"].get(*key)
        if found is not None and found["metadata"].get("labels") != {"by": self.name}:
            labels = {"metadata": {"labels": {"by": self.name}}}
            self.client.patch("configmaps", Namespace(key[0]), key[1], labels)
        return None


class One(_Labeller):
    name = "one"


class Other(_Labeller):
    name = "other"


def config_map() -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "map"}}


def test_controllers_that_undo_each_others_work_take_time_over_it() -> None:
    plane = ControlPlane()
    plane.add_controller(One)
    plane.add_controller(Other)
    plane.client.create("configmaps", DEFAULT_NAMESPACE, config_map())
    plane.loop.run_until(plane.clock.now() + timedelta(minutes=1))
    written = int(plane.informers["configmaps"].all()[0]["metadata"]["resourceVersion"])
    # A burst of 500 passes, and then 20 a second, of each of the two.
    assert 1000 < written < 4000


class Restless:
    """A component that always has work."""

    def step(self) -> bool:
        return True

    def close(self) -> None:
        pass


def test_components_that_never_rest_are_named() -> None:
    plane = ControlPlane()
    plane.add("restless", lambda _: Restless())
    with pytest.raises(LivelockError, match=f"{MOST_ROUNDS + 1} rounds of work .*: restless go round"):
        plane.loop.run_ready()
