"""Defaults of a pod's requests and host ports, which only apply to pods, not to pod templates.

The scheduler reads these fields, so pods of manifests that did not pass the API server need them too
(``SetDefaults_Pod`` in ``pkg/apis/core/v1/defaults.go``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kschedcore.api.resource_names import is_huge_page, is_overcommit_allowed, is_pod_level
from kschedcore.rules.amounts import container_limits, container_requests

__all__ = ["default_pod_resources", "may_lack_pod_resources"]


def default_pod_resources(spec: dict[str, Any]) -> None:
    """Fill the default requests and host ports of a pod's spec, in place."""
    for container in _containers(spec):
        _default_requests(container.get("resources"))
    if spec.get("resources"):
        _default_huge_page_limits(spec)
        _default_pod_requests(spec)
    if spec.get("hostNetwork"):
        for container in _containers(spec):
            for port in container.get("ports") or ():
                if not port.get("hostPort"):
                    port["hostPort"] = port.get("containerPort", 0)


def may_lack_pod_resources(spec: Mapping[str, Any]) -> bool:
    """Return whether :func:`default_pod_resources` may change a spec; False for most specs from a server."""
    if spec.get("resources") or spec.get("hostNetwork"):
        return True
    for container in _containers(spec):
        resources = container.get("resources")
        limits = resources.get("limits") if resources else None
        if limits and not limits.keys() <= (resources.get("requests") or {}).keys():
            return True
    return False


def _containers(spec: Mapping[str, Any]) -> Iterator[Any]:
    yield from spec.get("containers") or ()
    yield from spec.get("initContainers") or ()


def _default_requests(resources: dict[str, Any] | None) -> None:
    """Default requests to limits."""
    if resources and resources.get("limits"):
        requests = resources["requests"] = resources.get("requests") or {}
        for name, quantity in resources["limits"].items():
            requests.setdefault(name, quantity)


def _default_huge_page_limits(spec: dict[str, Any]) -> None:
    """Default pod-level limits of huge pages to the sum of the containers' limits."""
    resources = spec["resources"]
    if not resources.get("limits") and not resources.get("requests"):
        return
    limits = {
        name: str(quantity)
        for name, quantity in container_limits(spec).items()
        if is_huge_page(name) and name not in (resources.get("requests") or {})
    }
    if limits:
        resources["limits"] = {**limits, **(resources.get("limits") or {})}


def _default_pod_requests(spec: dict[str, Any]) -> None:
    """Default pod-level requests to the sum of the containers' requests, else to the limit (KEP-2837).

    Huge pages cannot be overcommitted, so their request is always the limit. Only resources supported at pod level get
    a request.
    """
    resources = spec["resources"]
    if not resources.get("limits"):
        return
    requests = dict(resources.get("requests") or {})
    for name, quantity in container_requests(spec).items():
        if is_pod_level(name) and is_overcommit_allowed(name):
            requests.setdefault(name, str(quantity))
    for name, text in resources["limits"].items():
        if is_pod_level(name):
            requests.setdefault(name, text)
    if requests:
        resources["requests"] = requests
