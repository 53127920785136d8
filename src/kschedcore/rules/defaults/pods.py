"""Defaults of Pod and of the pod templates inside workloads (``pkg/apis/core/v1/defaults.go``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kschedcore.api.machinery.frozen import FrozenDict, plain
from kschedcore.api.machinery.remembered import remembered, shared
from kschedcore.rules.defaults.pod_resources import default_pod_resources
from kschedcore.rules.defaults.volumes import default_volume, pull_policy

__all__ = ["DEFAULTS", "containers", "default_pod_template"]

_CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def containers(spec: dict[str, Any], *lists: str) -> Iterator[dict[str, Any]]:
    """Yield the containers of a pod spec: of the named lists, or of all three."""
    for name in lists or _CONTAINER_LISTS:
        yield from spec.get(name) or ()


def default_pod_template(template: dict[str, Any]) -> None:
    """Fill the defaults of a pod template: all except those of pods only."""
    _default_spec(template["spec"])


def _default_pod(pod: dict[str, Any]) -> None:
    pod["spec"] = _with_defaults(shared(pod["spec"]))


@remembered
def _with_defaults(spec: FrozenDict) -> FrozenDict:
    changed = plain(spec)
    _default_spec(changed)
    default_pod_resources(changed)
    changed.setdefault("enableServiceLinks", True)
    return shared(changed)


def _default_spec(spec: dict[str, Any]) -> None:
    for container in containers(spec):
        _default_container(container)
    for volume in spec.get("volumes", ()):
        default_volume(volume)
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    # serviceAccount is the deprecated name of the same field; the server keeps both equal.
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account


def _default_container(container: dict[str, Any]) -> None:
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("imagePullPolicy", pull_policy(container.get("image", "")))
    for port in container.get("ports", ()):
        port.setdefault("protocol", "TCP")
    for variable in container.get("env", ()):
        reference = variable.get("valueFrom", {}).get("fieldRef")
        if reference is not None:
            reference.setdefault("apiVersion", "v1")
    for name in _PROBES:
        probe = container.get(name)
        if probe is not None:
            _default_probe(probe)
    for handler in container.get("lifecycle", {}).values():
        if isinstance(handler, dict):
            _default_handler(handler)


def _default_probe(probe: dict[str, Any]) -> None:
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)
    _default_handler(probe)


def _default_handler(handler: dict[str, Any]) -> None:
    http = handler.get("httpGet")
    if http is not None:
        http.setdefault("path", "/")
        http.setdefault("scheme", "HTTP")
    grpc = handler.get("grpc")
    if grpc is not None:
        grpc.setdefault("service", "")


def _default_pod_kind_template(obj: dict[str, Any]) -> None:
    default_pod_template(obj["template"])


DEFAULTS = {"Pod": _default_pod, "PodTemplate": _default_pod_kind_template}
