"""Small clusters and workloads, and simulations of them."""

from __future__ import annotations

from typing import Any

from kschedcore.manifests.loading import Document
from kschedcore.simulation import Run, Simulation

Object = dict[str, Any]


def node(name: str, zone: str, cpu: int = 4) -> Object:
    capacity = {"cpu": str(cpu), "memory": "8Gi", "pods": "110"}
    labels = {"topology.kubernetes.io/zone": zone, "kubernetes.io/hostname": name}
    status = {"allocatable": capacity, "capacity": capacity}
    return {
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": status,
    }  # fmt: skip


def deployment(name: str, replicas: int, cpu: str = "1", **spec: Any) -> Object:
    container = {"name": "app", "image": f"{name}:1", "resources": {"requests": {"cpu": cpu}}}
    labels = {"app": name}
    body = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container], **spec}},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body}


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
