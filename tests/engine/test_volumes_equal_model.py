"""Volumes decided as the plain reference model decides them, while claims, volumes and drivers change underneath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.builders import node, pod
from tests.engine.storage import (
    BETA_ZONE,
    DRIVER,
    LOCAL,
    ZONE,
    attachment,
    capacity,
    claim,
    csi_driver,
    csi_node,
    storage_class,
    uses,
    volume,
)
from tests.engine.test_engine_equals_model import VERSIONS, comparable
from tests.model import ReferenceScheduler
from tests.model.versions import Kubernetes

from kschedcore.manifests.manifests import CLUSTER_KEYS
from kschedcore.testing.replay import EngineScheduler, Scheduler

Json = dict[str, Any]
Event = tuple[str, Any]

PLURALS = {kind: plural for plural, kind in CLUSTER_KEYS.items()}
NODES = ("a", "b", "c")
NAMESPACES = ("default", "team-b")
CLAIMS = ("c0", "c1", "c2", "p-scratch")
VOLUMES = ("pv0", "pv1", "pv2", "pv3")
CLASSES = ("now", "wait", "zoned", "local")
SIZES = ("1Gi", "2Gi", "4Gi")
ZONES = ("z1", "z2", "z1__z2", "z1____z2")
MODES = (("ReadWriteOnce",), ("ReadWriteOncePod",), ("ReadWriteOnce", "ReadOnlyMany"))
GOING = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
OWNED = {
    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "uid-p", "controller": True}]
}

names = st.sampled_from(NODES)
sizes = st.sampled_from(SIZES)
classes = st.sampled_from(CLASSES)


def sometimes(value: Any, otherwise: Any) -> st.SearchStrategy[Any]:
    """Mostly ``otherwise``."""
    return st.sampled_from([*[otherwise] * 7, value])


@st.composite
def topologies(draw: st.DrawFn) -> list[Json]:
    """Terms of ``allowedTopologies``; some have no expressions."""
    terms = draw(st.lists(st.lists(st.sampled_from(("z1", "z2")), max_size=2, unique=True), max_size=2))
    return [{"matchLabelExpressions": [{"key": ZONE, "values": term}] if term else []} for term in terms]


@st.composite
def storage_classes(draw: st.DrawFn) -> Json:
    name = draw(classes)
    provisioner = LOCAL if name == "local" else DRIVER
    mode = "Immediate" if name == "now" else "WaitForFirstConsumer"
    return storage_class(
        name, provisioner, mode, allowedTopologies=draw(topologies()) if name == "zoned" else []
    )


@st.composite
def claims(draw: st.DrawFn, name: str = "", namespace: str = "") -> Json:
    """A claim, mostly in order: bound, or of a class that waits."""
    bound_to = draw(st.one_of(st.just(""), st.sampled_from(VOLUMES)))
    return claim(
        name or draw(st.sampled_from(CLAIMS)),
        size=draw(sizes),
        cls=draw(sometimes("now", "")) or draw(st.sampled_from(CLASSES[1:])),
        bound_to=bound_to,
        modes=draw(st.sampled_from(MODES)),
        namespace=namespace or draw(st.sampled_from(NAMESPACES)),
        node="" if bound_to else draw(sometimes("a", "")),
        meta=draw(sometimes(GOING, OWNED)),
        selector=draw(sometimes({"matchLabels": {"tier": "ssd"}}, None)),
    )


@st.composite
def volumes(draw: st.DrawFn, name: str = "") -> Json:
    """A volume: of a driver or local, reached from one node or from all, free or kept for a claim."""
    labels = {"tier": "ssd"} if draw(st.booleans()) else {}
    if draw(st.integers(0, 2)) == 2:
        labels[draw(st.sampled_from((ZONE, BETA_ZONE)))] = draw(st.sampled_from(ZONES))
    return volume(
        name or draw(st.sampled_from(VOLUMES)),
        size=draw(sizes),
        cls=draw(st.sampled_from(("local", "local", *CLASSES[1:]))),
        node=draw(st.sampled_from(("", "", *NODES))),
        handle=draw(st.sampled_from(("", "", "h1", "h2"))),
        phase=draw(sometimes("Released", "Available")),
        labels=labels,
        reserved=draw(st.sampled_from(("", "", "", "c0"))),
        meta=draw(sometimes(GOING, {})),
        accessModes=["ReadWriteOnce", "ReadWriteOncePod"],
    )


@st.composite
def capacities(draw: st.DrawFn) -> Json:
    zone = st.sampled_from(("z1", "z2")).map(lambda zone: {"matchLabels": {ZONE: zone}})
    where = draw(st.one_of(st.none(), st.just({}), zone))
    more = draw(st.sampled_from(({}, {"maximumVolumeSize": "2Gi"})))
    cls = draw(st.sampled_from(CLASSES[1:3]))
    return capacity(draw(st.sampled_from(("k0", "k1"))), draw(sizes), where, cls, **more)


def drivers() -> list[st.SearchStrategy[Json]]:
    """CSI drivers with their limits and attached volumes."""
    return [
        capacities(),
        st.builds(csi_node, names, st.sampled_from((None, 0, 1, 2))),
        st.builds(lambda tracked: csi_driver(tracked=tracked), st.booleans()),
        st.builds(attachment, st.sampled_from(("x", "y")), names, st.sampled_from(VOLUMES)),
    ]


def objects() -> st.SearchStrategy[Json]:
    """Any object that volumes depend on."""
    return st.one_of(claims(), volumes(), storage_classes(), *drivers())


def _name(item: Json) -> str:
    return str(item["metadata"]["name"])


@st.composite
def pods(draw: st.DrawFn, name: str) -> Json:
    """A pod with claims, disks, host ports, or none of them."""
    held = uses(*draw(st.lists(st.sampled_from(CLAIMS[:3]), max_size=2)))
    if draw(st.integers(0, 3)) == 3:
        held.append({"name": "disk", "gcePersistentDisk": {"pdName": "d", "readOnly": draw(st.booleans())}})
    if draw(st.integers(0, 7)) == 7:
        held.append({"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}})
    ports = [{"hostPort": 80, "containerPort": 80}] if draw(st.integers(0, 3)) == 3 else []
    container = {"name": "main", "ports": ports, "resources": {"requests": {"cpu": "1"}}}
    return pod(
        name,
        namespace=draw(st.sampled_from(("default", *NAMESPACES))),
        meta={"uid": f"uid-{name}"},
        containers=[container],
        volumes=held,
        priority=draw(st.sampled_from((0, 0, 10))),
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Json, list[Event]]:
    """A cluster of three nodes and what happens to it."""
    cluster: Json = {
        "nodes": [
            node("a", labels={ZONE: "z1"}),
            node("b", labels={ZONE: "z2", BETA_ZONE: draw(st.sampled_from(("z1", "z2")))}),
            node("c"),
        ],
        "storageClasses": [
            storage_class("now", mode="Immediate"),
            storage_class("wait"),
            storage_class("zoned", allowedTopologies=draw(topologies())),
            storage_class("local", LOCAL),
        ],
    }
    cluster["persistentVolumeClaims"] = [draw(claims(name, place)) for place in NAMESPACES for name in CLAIMS]
    cluster["persistentVolumes"] = [draw(volumes(name)) for name in VOLUMES]
    if draw(st.booleans()):
        cluster["csiDrivers"] = [csi_driver()]
        cluster["csiStorageCapacities"] = draw(st.lists(capacities(), max_size=2, unique_by=_name))
    cluster["csiNodes"] = [csi_node(name, draw(st.sampled_from((None, 1, 2)))) for name in NODES]
    events: list[Event] = [("set", each) for each in draw(st.lists(objects(), max_size=3))]
    for number in range(draw(st.integers(2, 8))):
        kind = draw(
            st.sampled_from(("bind", "bind", "bind", "set", "remove", "unbind", "decide", "decide", "decide"))
        )
        drawn: dict[str, Callable[[], Any]] = {
            "bind": lambda: (draw(pods(f"b{number}")), draw(names)),  # noqa: B023
            "set": lambda: draw(objects()),
            "remove": lambda: draw(st.one_of(claims(), volumes(), *drivers())),
            "unbind": lambda: draw(st.integers(0, 9)),
            "decide": lambda: draw(pods("p")),
        }
        events.append((kind, drawn[kind]()))
    return cluster, [*events, ("decide", draw(pods("p")))]


class World:
    """Drives the model and engines through events side by side."""

    def __init__(self, cluster: Json, version: Kubernetes) -> None:
        self.model = ReferenceScheduler(cluster, kubernetes=version)
        self.engines = [
            EngineScheduler(cluster, kubernetes=version),
            EngineScheduler(cluster, forgetful=True, kubernetes=version),
        ]
        self.all: list[Scheduler] = [self.model, *self.engines]
        self.bound: list[Json] = []

    def apply(self, kind: str, subject: Any) -> None:
        getattr(self, f"_{kind}")(subject)

    def _bind(self, subject: tuple[Json, str]) -> None:
        wanting, name = subject
        placed = {**wanting, "spec": {**wanting["spec"], "nodeName": name}}
        self.bound.append(placed)
        for each in self.all:
            each.add_pod(placed)

    def _unbind(self, index: int) -> None:
        if self.bound:
            metadata = self.bound.pop(index % len(self.bound))["metadata"]
            for each in self.all:
                each.remove_pod(metadata["namespace"], metadata["name"])

    def _set(self, subject: Json) -> None:
        for each in self.all:
            each.set_object(PLURALS[subject["kind"]], subject)

    def _remove(self, subject: Json) -> None:
        kind, metadata = subject["kind"], subject["metadata"]
        self.model.set_object(PLURALS[kind], subject)
        self.model.remove_object(PLURALS[kind], subject)
        for each in self.engines:
            each.set_object(PLURALS[kind], subject)
            each.engine.remove_object(kind, metadata["name"], metadata.get("namespace", "default"))

    def _wants_claim_of_one_pod(self, wanting: Json) -> bool:
        """Whether evictions are left out: for such claims kube-scheduler's dry run counts by the claim's bare name.

        The engine counts the pods that use the claim. The two differ when several pods use it already, or when a
        victim of another namespace uses one of the same name.
        """
        namespace = wanting["metadata"]["namespace"]
        held = [each.get("persistentVolumeClaim", {}).get("claimName") for each in wanting["spec"]["volumes"]]
        claims = self.model._objects.persistent_volume_claims
        found = (claims.get((namespace, name)) for name in held if name)
        return any(each and "ReadWriteOncePod" in each["spec"]["accessModes"] for each in found)

    def _decide(self, wanting: Json) -> None:
        note(str(wanting))
        preempt = not self._wants_claim_of_one_pod(wanting)
        expected = comparable(self.model.decide(wanting, preempt=preempt))
        for engine in self.engines:
            step = comparable(engine.decide(wanting, preempt=preempt))
            if "nominated" in expected and step != expected:
                others = self.model.equal_nominations(wanting)
                chosen = {key: step.get(key) for key in ("nominated", "victims")}
                assert chosen in [{key: each.get(key) for key in chosen} for each in others]
                step = {**step, **{key: expected[key] for key in chosen if key in expected}}
            assert step == expected


@settings(
    max_examples=400,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(worlds(), st.sampled_from(VERSIONS))
def test_volumes_are_decided_as_the_model_decides_them(
    drawn: tuple[Json, list[Event]], version: Kubernetes
) -> None:
    cluster, events = drawn
    world = World(cluster, version)
    for kind, subject in events:
        note(f"{kind} {subject}")
        world.apply(kind, subject)
