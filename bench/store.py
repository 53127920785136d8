"""What the store and the door cost: writes, reads, lists, watchers, admission, and memory a pod.

Run ``python bench/store.py``; ``--pods N`` takes another number than 150,000, ``-o json`` prints numbers
alone. Times are processor time of one core.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

from kschedcore.apiserver import APIServer
from kschedcore.store.kinds import kind_by_resource
from kschedcore.store.objects import plain
from kschedcore.store.store import Store

PODS = kind_by_resource("pods").resource
PATH = "/api/v1/namespaces/default/pods"
TEMPLATES = 500
WATCHERS = 100
Object = dict[str, Any]


def template(number: int) -> Object:
    """A pod of the size that production clusters have: two containers, probes aside."""
    containers = [
        {
            "name": name,
            "image": f"registry.example/{name}:{number}",
            "ports": [{"containerPort": 8080}],
            "env": [{"name": "PORT", "value": "8080"}],
            "resources": {"requests": {"cpu": f"{100 + number}m", "memory": "256Mi"}},
        }
        for name in ("app", "proxy")
    ]
    labels = {"app": f"web-{number}", "tier": "front"}
    metadata = {"name": "", "namespace": "default", "labels": labels}
    spec = {"containers": containers, "automountServiceAccountToken": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def pods(templates: list[Object], count: int) -> Iterator[Object]:
    for number in range(count):
        made = templates[number % len(templates)]
        yield {**made, "metadata": {**made["metadata"], "name": f"pod-{number:06}"}}


def per_second(count: int, action: Callable[[], object]) -> float:
    gc.collect()
    start = time.process_time()
    action()
    return count / (time.process_time() - start)


def resident_bytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def server_with_account() -> APIServer:
    server = APIServer()
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    server.request("POST", "/api/v1/namespaces/default/serviceaccounts", account)
    return server


def admitted_templates() -> list[Object]:
    """Templates as admission leaves them, which is what the store gets to see."""
    server = server_with_account()
    whole = []
    for number in range(TEMPLATES):
        obj = template(number)
        obj["metadata"]["name"] = f"template-{number}"
        code, made = server.request("POST", PATH, obj)
        assert code == 201, made
        whole.append(plain(made))
    return whole


def measure_store(count: int) -> Iterator[tuple[str, float, str]]:
    whole = admitted_templates()
    gc.collect()
    before = resident_bytes()
    store = Store()

    def write() -> None:
        for obj in pods(whole, count):
            store.create(PODS, obj)

    yield "creates, no admission", per_second(count, write), "1/s"
    gc.collect()
    yield f"memory of {count} pods", (resident_bytes() - before) / 1e6, "MB"
    names = [f"pod-{number:06}" for number in range(0, count, 7)]
    yield "reads", per_second(len(names), lambda: [store.get("pods", "default", n) for n in names]), "1/s"
    yield "objects listed", per_second(count, lambda: list(store.list("pods", "default"))), "1/s"

    watches = [store.watch(PODS) for _ in range(WATCHERS)]
    changed = [store.get("pods", "default", name) for name in names[:2000]]

    def update_and_watch() -> None:
        for obj in changed:
            assert obj is not None
            store.update(PODS, {**obj, "status": {"phase": "Running"}}, obj["metadata"]["resourceVersion"])
        seen = sum(len(watch.poll()) for watch in watches)
        assert seen == WATCHERS * len(changed)

    delivered = WATCHERS * len(changed)
    yield f"events to {WATCHERS} watchers", per_second(delivered, update_and_watch), "1/s"


def measure_door(count: int) -> Iterator[tuple[str, float, str]]:
    server = server_with_account()
    templates = [template(number) for number in range(TEMPLATES)]
    for obj in pods(templates, TEMPLATES):
        server.request(
            "POST", PATH, {**obj, "metadata": {**obj["metadata"], "name": f"w{obj['metadata']['name']}"}}
        )

    def write() -> None:
        for obj in pods(templates, count):
            code, _ = server.request("POST", PATH, obj)
            assert code == 201

    rate = per_second(count, write)
    yield "pods through the whole chain", rate, "1/s"
    yield "cost of a pod", 1e6 / rate, "us"
    yield (
        "GET requests",
        per_second(count, lambda: [server.request("GET", f"{PATH}/pod-000000") for _ in range(count)]),
        "1/s",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=150_000, help="how many pods to keep in the store")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    options = parser.parse_args()
    rows = [*measure_store(options.pods), *measure_door(min(options.pods, 10_000))]
    if options.output == "json":
        print(json.dumps({name: {"value": round(value, 1), "unit": unit} for name, value, unit in rows}))
        return
    for name, value, unit in rows:
        print(f"{name:34} {value:14,.1f} {unit}")


if __name__ == "__main__":
    main()
