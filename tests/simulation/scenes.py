"""Small clusters and workloads, and simulations of them."""

from __future__ import annotations

from typing import Any

from tests import builders

from kschedcore.manifests.loading import Document
from kschedcore.simulation import Run, Simulation

Object = dict[str, Any]


def node(name: str, zone: str, cpu: int = 4) -> Object:
    return builders.node(name, str(cpu), memory="8Gi", labels={"topology.kubernetes.io/zone": zone})


def deployment(name: str, replicas: int, cpu: str = "1", **spec: Any) -> Object:
    container = builders.container("app", f"{name}:1", cpu=cpu)
    return builders.deployment(name, replicas, **{"containers": [container], **spec})


def web(replicas: int) -> Object:
    return deployment("web", replicas)


def pod(cpu: str = "1") -> Object:
    container = {"name": "main", "image": "job:1", "resources": {"requests": {"cpu": cpu}}}
    return {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container]}}


def simulation(span: str, *objects: Object, seed: int = 0, **spec: Any) -> Simulation:
    scenario = {"apiVersion": "simulation.kschedcore.dev/v1alpha1", "kind": "Scenario", "spec": spec}
    documents = [Document(each, "day.yaml", number) for number, each in enumerate([*objects, scenario], 1)]
    return Simulation(documents, span, seed=seed)


def simulate(span: str, *objects: Object, **more: Any) -> Run:
    return simulation(span, *objects, **more).run()
