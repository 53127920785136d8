"""Any interleaving of writers, patches, deletions and watchers gives every watcher consistent events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.apiserver import APIServer
from kschedcore.client.transport import Events

MAPS = "/api/v1/namespaces/default/configmaps"
names = st.sampled_from(["a", "b", "c"])
labels = st.sampled_from(["x", "y"])
Object = Mapping[str, Any]


class Watcher:
    """A client that knows the cluster only from its watch, and checks that events make sense in order."""

    def __init__(self, server: APIServer, query: str, objects: Mapping[str, Object], version: str) -> None:
        self.query = query
        self.known = dict(objects)
        self.watch: Events = server.watch(f"{MAPS}?{query}&resourceVersion={version}")
        self.version = int(version)

    def catch_up(self) -> None:
        for event in self.watch.poll():
            metadata = event.object["metadata"]
            version = int(metadata["resourceVersion"])
            assert version > self.version
            self.version = version
            name = metadata["name"]
            assert (name in self.known) == (event.type != "ADDED"), (event.type, name)
            if event.type == "DELETED":
                del self.known[name]
            else:
                self.known[name] = event.object


def listed(server: APIServer, query: str = "") -> tuple[dict[str, Object], str]:
    code, found = server.request("GET", f"{MAPS}?{query}")
    assert code == 200
    objects = {obj["metadata"]["name"]: obj for obj in found["items"]}
    return objects, found["metadata"]["resourceVersion"]


class Cluster(RuleBasedStateMachine):
    """Counters in config maps, raised by writers that read, change and write back."""

    @initialize()
    def begin(self) -> None:
        self.server = APIServer()
        self.watchers: list[Watcher] = []
        self.counts: dict[str, int] = {}
        self.read: list[Object] = []

    @rule(name=names, label=labels, held=st.booleans())
    def create(self, name: str, label: str, held: bool) -> None:
        metadata = {"name": name, "labels": {"app": label}, **({"finalizers": ["a.b/c"]} if held else {})}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"count": "0"}}
        code, answer = self.server.request("POST", MAPS, body)
        assert (code, answer.get("reason")) == (
            (409, "AlreadyExists") if name in self.counts else (201, None)
        )
        self.counts.setdefault(name, 0)

    @rule(name=names)
    def begin_update(self, name: str) -> None:
        code, found = self.server.request("GET", f"{MAPS}/{name}")
        assert code == (200 if name in self.counts else 404)
        if code == 200:
            self.read.append(found)

    @rule(label=labels)
    def finish_update(self, label: str) -> None:
        if not self.read:
            return
        obj = self.read.pop(0)
        name = obj["metadata"]["name"]
        current = self.server.store.get("configmaps", DEFAULT_NAMESPACE, name)
        raised = {"count": str(int(obj["data"]["count"]) + 1)}
        metadata = {**obj["metadata"], "labels": {"app": label}}
        code, _ = self.server.request("PUT", f"{MAPS}/{name}", {**obj, "metadata": metadata, "data": raised})
        if current is None:
            assert code == 404
        elif current["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
            assert code == 409
        else:
            assert code == 200
            self.counts[name] += 1

    @rule(name=names, label=labels)
    def patch(self, name: str, label: str) -> None:
        body = {"metadata": {"labels": {"app": label}}}
        code, _ = self.server.request("PATCH", f"{MAPS}/{name}", body, "application/merge-patch+json")
        assert code == (200 if name in self.counts else 404)

    @rule(name=names)
    def delete(self, name: str) -> None:
        code, _ = self.server.request("DELETE", f"{MAPS}/{name}")
        assert code == (200 if name in self.counts else 404)
        if self.server.store.get("configmaps", DEFAULT_NAMESPACE, name) is None:
            self.counts.pop(name, None)

    @rule(name=names)
    def let_go(self, name: str) -> None:
        body = {"metadata": {"finalizers": None}}
        self.server.request("PATCH", f"{MAPS}/{name}", body, "application/merge-patch+json")
        if self.server.store.get("configmaps", DEFAULT_NAMESPACE, name) is None:
            self.counts.pop(name, None)

    @rule(query=st.sampled_from(["", "labelSelector=app=x", "fieldSelector=metadata.name!=a"]))
    def start_watching(self, query: str) -> None:
        objects, version = listed(self.server, query)
        self.watchers.append(Watcher(self.server, query, objects, version))

    @rule(index=st.integers(0, 9))
    def watch_on(self, index: int) -> None:
        if self.watchers:
            self.watchers[index % len(self.watchers)].catch_up()

    @invariant()
    def no_update_is_lost_and_none_applied_twice(self) -> None:
        if hasattr(self, "server"):
            objects, _ = listed(self.server)
            assert {name: int(obj["data"]["count"]) for name, obj in objects.items()} == self.counts

    def teardown(self) -> None:
        for watcher in getattr(self, "watchers", ()):
            watcher.catch_up()
            objects, _ = listed(self.server, watcher.query)
            known = {
                name: {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")}
                for name, obj in watcher.known.items()
            }
            assert known == objects


TestCluster = Cluster.TestCase
TestCluster.settings = settings(max_examples=40, stateful_step_count=40)
