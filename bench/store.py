"""Cost of the store and the API server: writes, reads, lists, watchers, admission, and memory a pod.

Run ``python bench/store.py``; ``--pods N`` takes another number than 150,000, ``-o json`` prints numbers
alone. Times are processor time of one core.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kschedcore.api.machinery.frozen import freeze, plain
from kschedcore.api.machinery.kinds import kind_by_resource
from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.apiserver import APIServer
from kschedcore.apiserver.bodies import STRATEGIC
from kschedcore.store.store import Store

PODS = kind_by_resource("pods").resource
PATH = "/api/v1/namespaces/default/pods"
TEMPLATES = 500
WATCHERS = 100
NODES = 5_000
STARTED = "2026-01-01T00:00:00Z"
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
    spec = {"containers": containers, "automountServiceAccountToken": False}
    return {**template_metadata(number, ""), "spec": spec}


def template_metadata(number: int, name: str) -> Object:
    labels = {"app": f"web-{number}", "tier": "front"}
    metadata = {"name": name, "namespace": "default", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}


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
    yield (
        "reads",
        per_second(len(names), lambda: [store.get("pods", DEFAULT_NAMESPACE, n) for n in names]),
        "1/s",
    )
    yield "objects listed", per_second(count, lambda: list(store.list("pods", DEFAULT_NAMESPACE))), "1/s"

    watches = [store.watch(PODS) for _ in range(WATCHERS)]
    changed = [store.get("pods", DEFAULT_NAMESPACE, name) for name in names[:2000]]

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
    rate = per_second(count, lambda: create(server, pods(templates, count)))
    yield "pods through the whole chain", rate, "1/s"
    yield "cost of a pod", 1e6 / rate, "us"
    yield "the same from stored templates", per_second(count, lambda: replicas(server, count)), "1/s"
    limited = limited_server()
    yield (
        "the same under quota and limits",
        per_second(count, lambda: create(limited, pods(templates, count))),
        "1/s",
    )
    yield from measure_life(server, [f"{PATH}/pod-{number:06}" for number in range(count)])
    gets = per_second(count, lambda: [server.request("GET", f"{PATH}/pod-000000") for _ in range(count)])
    yield "GET requests", gets, "1/s"
    listed = len(server.request("GET", PATH)[1]["items"])
    yield "objects in answers to LIST", per_second(listed, lambda: server.request("GET", PATH)), "1/s"


def replicas(server: APIServer, count: int) -> None:
    """Pods as workload controllers make them: with the very spec that the store holds in a template."""
    made = [freeze(template(number)["spec"]) for number in range(TEMPLATES)]
    numbers = [(number % TEMPLATES, f"replica-{number:06}") for number in range(count)]
    create(server, ({**template_metadata(kind, name), "spec": made[kind]} for kind, name in numbers))


def create(server: APIServer, objects: Iterable[Object]) -> None:
    for obj in objects:
        code, answer = server.request("POST", PATH, obj)
        assert code == 201, answer


def limited_server() -> APIServer:
    """A namespace with a quota and a limit range, as platforms give every team one."""
    server = server_with_account()
    hard = {
        "pods": "1000000",
        "requests.cpu": "1000000",
        "requests.memory": "1000Ti",
        "limits.cpu": "1000000",
    }
    quota = {"metadata": {"name": "team"}, "spec": {"hard": hard}}
    quotas = "/api/v1/namespaces/default/resourcequotas"
    _, made = server.request("POST", quotas, quota)
    status = {"hard": hard, "used": dict.fromkeys(hard, "0")}
    server.request("PUT", f"{quotas}/team/status", {**made, "status": status})
    item = {"type": "Container", "default": {"cpu": "2", "memory": "1Gi"}, "max": {"cpu": "8"}}
    limits = {"metadata": {"name": "team"}, "spec": {"limits": [item]}}
    server.request("POST", "/api/v1/namespaces/default/limitranges", limits)
    return server


def measure_life(server: APIServer, paths: list[str]) -> Iterator[tuple[str, float, str]]:
    """The writes of scheduler and kubelet for every pod."""
    count = len(paths)

    def bind() -> None:
        for number, path in enumerate(paths):
            target = {"apiVersion": "v1", "kind": "Node", "name": f"node-{number % NODES:05}"}
            body = {"apiVersion": "v1", "kind": "Binding", "metadata": {}, "target": target}
            code, _ = server.request("POST", f"{path}/binding", body, user_agent="kube-scheduler")
            assert code == 201

    def put_status() -> None:
        for path in paths:
            _, pod = server.request("GET", path)
            body = {**pod, "status": running(pod["status"], ready="False")}
            code, _ = server.request("PUT", f"{path}/status", body, user_agent="kubelet")
            assert code == 200

    def patch_status() -> None:
        for path in paths:
            ready = [{"type": "Ready", "status": "True", "lastTransitionTime": STARTED}]
            code, _ = server.request(
                "PATCH", f"{path}/status", {"status": {"conditions": ready}}, STRATEGIC, "kubelet"
            )
            assert code == 200

    yield "bindings", per_second(count, bind), "1/s"
    yield "PUT status", per_second(count, put_status), "1/s"
    yield "PATCH status", per_second(count, patch_status), "1/s"


def running(status: Object, *, ready: str) -> Object:
    """A status as the kubelet writes it when a pod has started."""
    conditions = [
        *status["conditions"],
        {"type": "Ready", "status": ready, "lastProbeTime": None, "lastTransitionTime": STARTED},
    ]
    started = {"name": "app", "ready": True, "restartCount": 0, "image": "app", "imageID": "app@sha256:0",
               "state": {"running": {"startedAt": STARTED}}}  # fmt: skip
    return {
        **status, "phase": "Running", "conditions": conditions, "startTime": STARTED,
        "podIP": "10.0.0.1", "containerStatuses": [started],
    }  # fmt: skip


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
