"""Quota under any order of events: never beyond its hard limits, and equal to what lives once settled."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from .server import Server

PODS = "/api/v1/namespaces/ns/pods"
QUOTAS = "/api/v1/namespaces/ns/resourcequotas"
HARD = {
    "wide": {"requests.cpu": "3", "pods": "6"},
    "narrow": {"requests.cpu": "2", "limits.memory": "4Gi", "count/pods": "9"},
}


def milli(cpu: str) -> int:
    return int(cpu[:-1]) if cpu.endswith("m") else int(cpu) * 1000


class Quotas(RuleBasedStateMachine):
    """Pods come, fail and go; one wide and one narrow quota watch; ``live`` is the plain truth."""

    def __init__(self) -> None:
        super().__init__()
        self.server = Server()
        self.live: dict[str, tuple[int, bool]] = {}
        self.made = 0

    @initialize()
    def namespace(self) -> None:
        self.server.request("POST", "/api/v1/namespaces", {"metadata": {"name": "ns"}})
        for name, hard in HARD.items():
            self.server.request("POST", QUOTAS, {"metadata": {"name": name}, "spec": {"hard": hard}})
        self.server.settle()

    def used(self) -> dict[str, dict[str, str]]:
        items = self.server.request("GET", QUOTAS)[1]["items"]
        return {quota["metadata"]["name"]: quota["status"]["used"] for quota in items}

    @rule(cpu=st.integers(1, 2500), dry_run=st.booleans())
    def create(self, cpu: int, dry_run: bool) -> None:
        before = self.used()
        self.made += 1
        resources = {"requests": {"cpu": f"{cpu}m"}, "limits": {"cpu": "3", "memory": "100Mi"}}
        containers = [{"name": "c", "image": "i", "resources": resources}]
        body = {"metadata": {"name": f"p{self.made}"}, "spec": {"containers": containers}}
        code, _ = self.server.request("POST", PODS + ("?dryRun=All" if dry_run else ""), body)
        if code != 201 or dry_run:
            assert self.used() == before
        else:
            self.live[f"p{self.made}"] = (cpu, True)

    @rule(data=st.data())
    def name_twice(self, data: st.DataObject) -> None:
        if self.live:
            name = data.draw(st.sampled_from(sorted(self.live)))
            containers = [
                {"name": "c", "image": "i", "resources": {"limits": {"cpu": "1m", "memory": "1Mi"}}}
            ]
            code, _ = self.server.request(
                "POST", PODS, {"metadata": {"name": name}, "spec": {"containers": containers}}
            )
            assert code in (403, 409)

    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        if self.live:
            name = data.draw(st.sampled_from(sorted(self.live)))
            failed = copy.deepcopy(self.server.request("GET", f"{PODS}/{name}")[1])
            failed["status"]["phase"] = "Failed"
            assert self.server.request("PUT", f"{PODS}/{name}/status", failed)[0] == 200
            self.live[name] = (self.live[name][0], False)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.live:
            name = data.draw(st.sampled_from(sorted(self.live)))
            self.server.request("DELETE", f"{PODS}/{name}")
            del self.live[name]

    @rule()
    def settle(self) -> None:
        self.server.settle()
        running = [cpu for cpu, runs in self.live.values() if runs]
        used = self.used()
        assert milli(used["wide"]["requests.cpu"]) == sum(running)
        assert milli(used["narrow"]["requests.cpu"]) == sum(running)
        assert used["wide"]["pods"] == str(len(running))
        assert used["narrow"]["count/pods"] == str(len(self.live))

    @invariant()
    def nothing_is_used_beyond_what_is_allowed(self) -> None:
        for name, used in self.used().items():
            for resource, amount in used.items():
                if resource.endswith("cpu"):
                    assert milli(amount) <= milli(HARD[name][resource])
                if "pods" in resource:
                    assert int(amount) <= int(HARD[name][resource])


TestQuotas: Any = Quotas.TestCase
TestQuotas.settings = settings(max_examples=25, stateful_step_count=20)
