"""Warnings of the API server about valid objects: deprecated labels and volumes, and settings of no effect.

Kubernetes calls these ``WarningsOnCreate`` and ``WarningsOnUpdate``; updates of pods have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery.field_errors import quote
from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.remembered import remembered
from kschedcore.api.machinery.types import Object
from kschedcore.api.quantity import Quantity

__all__ = ["warnings_of", "warnings_of_update"]

_TEMPLATES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"),
        ("spec", "template"),
    ),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "PodTemplate": ("template",),
}
"""Kind -> the path of its pod template."""

_LABELS = {
    "beta.kubernetes.io/arch": ("v1.14", "kubernetes.io/arch"),
    "beta.kubernetes.io/os": ("v1.14", "kubernetes.io/os"),
    "beta.kubernetes.io/instance-type": ("v1.17", "node.kubernetes.io/instance-type"),
    "failure-domain.beta.kubernetes.io/region": ("v1.17", "topology.kubernetes.io/region"),
    "failure-domain.beta.kubernetes.io/zone": ("v1.17", "topology.kubernetes.io/zone"),
}
"""Deprecated label of nodes -> since when, and what to use instead."""

_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": ("v1.16", "priorityClassName"),
    "security.alpha.kubernetes.io/sysctls": ("v1.11", "sysctls"),
    "security.alpha.kubernetes.io/unsafe-sysctls": ("v1.11", "sysctls"),
}
"""Annotation without effect -> since when, and the field to use instead."""

_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_BYTES = ("memory", "ephemeral-storage")
_NO_SELECTOR = "a null labelSelector results in matching no pod"


def warnings_of(kind: str, obj: Object) -> Iterable[str]:
    """Return the warnings about a new, valid object."""
    if kind == "Pod":
        annotations = obj["metadata"].get("annotations")
        return (
            (*_of_annotations(annotations, ""), *_of_pod(obj["spec"]))
            if annotations
            else _of_pod(obj["spec"])
        )
    path = _TEMPLATES.get(kind)
    if path is not None:
        template = obj
        for key in path:
            template = template.get(key) or {}
        where = f"{'.'.join(path)}."
        return list(_of_template(template, where))
    return list(_of_claim(obj["spec"], "spec")) if kind == "PersistentVolumeClaim" else ()


def warnings_of_update(kind: str, obj: Object, old: Object) -> Iterable[str]:
    """Return the warnings about an updated, valid object: those of its template if the generation moved."""
    if kind == "PersistentVolumeClaim":
        return warnings_of(kind, obj)
    if kind not in _TEMPLATES or obj["metadata"].get("generation") == old["metadata"].get("generation"):
        return ()
    return warnings_of(kind, obj)


def _of_template(template: dict[str, Any], path: str) -> Iterator[str]:
    yield from _of_annotations(template.get("metadata", {}).get("annotations") or {}, path)
    yield from _of_spec(template.get("spec", {}), f"{path}spec")


def _of_annotations(annotations: dict[str, str], path: str) -> Iterator[str]:
    for key, (since, instead) in _ANNOTATIONS.items():
        if key in annotations:
            field = f"{path}metadata.annotations[{key}]"
            yield f'{field}: non-functional in {since}+; use the "{instead}" field instead'


@remembered
def _of_pod(spec: FrozenDict) -> tuple[str, ...]:
    """Return the warnings about a pod's spec, cached for the replicas of a template."""
    return tuple(_of_spec(spec, "spec"))


def _of_spec(spec: dict[str, Any], path: str) -> Iterator[str]:
    yield from _of_node_selection(spec, path)
    for index, constraint in enumerate(spec.get("topologySpreadConstraints", ())):
        where = f"{path}.topologySpreadConstraints[{index}]"
        key = constraint.get("topologyKey", "")
        if key in _LABELS:
            yield f"{where}.topologyKey: {key} is {_deprecated(key)}"
        if constraint.get("labelSelector") is None:
            yield f"{where}.labelSelector: {_NO_SELECTOR}"
    for index, volume in enumerate(spec.get("volumes", ())):
        yield from _of_volume(volume, f"{path}.volumes[{index}]")
    yield from _duplicates(spec.get("hostAliases", ()), "ip", f"{path}.hostAliases")
    secrets = spec.get("imagePullSecrets", ())
    yield from _duplicates(secrets, "name", f"{path}.imagePullSecrets")
    for index, secret in enumerate(secrets):
        if not secret.get("name"):
            yield f'{path}.imagePullSecrets[{index}].name: invalid empty name ""'
    yield from _fractions(spec.get("overhead", {}), f"{path}.overhead")
    yield from _of_containers(spec, path)
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        detail = "must be >= 0; negative values are invalid and will be treated as 1"
        yield f"{path}.terminationGracePeriodSeconds: {detail}"
    yield from _of_pod_affinity(spec.get("affinity", {}), f"{path}.affinity")


def _deprecated(label: str) -> str:
    since, instead = _LABELS[label]
    return f'deprecated since {since}; use "{instead}" instead'


def _of_node_selection(spec: dict[str, Any], path: str) -> Iterator[str]:
    for key in spec.get("nodeSelector", ()):
        if key in _LABELS:
            yield f"{path}.nodeSelector[{key}]: {_deprecated(key)}"
    affinity, where = spec.get("affinity", {}).get("nodeAffinity", {}), f"{path}.affinity.nodeAffinity"
    for index, term in enumerate(affinity.get(_REQUIRED, {}).get("nodeSelectorTerms", ())):
        yield from _of_node_term(term, f"{where}.{_REQUIRED}.nodeSelectorTerms[{index}]", values=False)
    for index, weighted in enumerate(affinity.get(_PREFERRED, ())):
        term = weighted.get("preference", {})
        yield from _of_node_term(term, f"{where}.{_PREFERRED}[{index}].preference", values=True)


def _of_node_term(term: dict[str, Any], path: str, *, values: bool) -> Iterator[str]:
    """Warn about deprecated labels, and about values that no label has where those are allowed."""
    for index, requirement in enumerate(term.get("matchExpressions", ())):
        where, key = f"{path}.matchExpressions[{index}]", requirement.get("key", "")
        if key in _LABELS:
            yield f"{where}.key: {key} is {_deprecated(key)}"
        for number, value in enumerate(requirement.get("values", ()) if values else ()):
            for problem in rules.is_label_value(value):
                yield f"{where}.values[{number}]: {problem}"


def _of_volume(volume: dict[str, Any], path: str) -> Iterator[str]:
    for source, problem in _VOLUMES.items():
        if source in volume:
            yield f"{path}.{'storageOS' if source == 'storageos' else source}: {problem}"
    template = volume.get("ephemeral", {}).get("volumeClaimTemplate")
    if template is not None:
        yield from _of_claim(template.get("spec", {}), f"{path}.ephemeral.volumeClaimTemplate.spec")


def _of_claim(spec: dict[str, Any], path: str) -> Iterator[str]:
    requests = spec.get("resources", {}).get("requests", {})
    yield from _fractions(requests, f"{path}.resources.requests", ("storage",))


def _duplicates(items: Iterable[dict[str, Any]], key: str, path: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        value = item.get(key, "")
        if value in seen:
            yield f"{path}[{index}].{key}: duplicate {key} {quote(value)}"
        seen.add(value)


def _fractions(amounts: dict[str, str], path: str, names: Iterable[str] = _BYTES) -> Iterator[str]:
    for name in names:
        text = amounts.get(name)
        # Only these suffixes can make a fraction of a byte.
        if (
            text is not None
            and str(text).endswith(("m", "u", "n"))
            and Quantity.parse(text).milli_value() % 1000
        ):
            yield f"{path}[{name}]: fractional byte value {quote(text)} is invalid, must be an integer"


def _of_containers(spec: dict[str, Any], path: str) -> Iterator[str]:
    containers = [
        (container, f"{path}.{field}[{index}]")
        for field in ("initContainers", "containers")
        for index, container in enumerate(spec.get(field) or ())
    ]
    for container, where in containers:
        resources = container.get("resources", {})
        for name in _BYTES:
            for field in ("limits", "requests"):
                yield from _fractions(resources.get(field, {}), f"{where}.resources.{field}", (name,))
        yield from _of_environment(container.get("env", ()), f"{where}.env")
    yield from _of_ports(containers)


def _of_environment(variables: Iterable[dict[str, Any]], path: str) -> Iterator[str]:
    """Warn about definitions that hide an earlier one, unless they refer to it."""
    seen: set[str] = set()
    for index, variable in enumerate(variables):
        name, value = variable.get("name", ""), variable.get("value", "")
        reference = f"$({name})"
        if name in seen and ("valueFrom" in variable or value == reference or reference not in value):
            yield f"{path}[{index}]: hides previous definition of {quote(name)}, which may be dropped when using apply"
        seen.add(name)


def _of_ports(containers: Iterable[tuple[dict[str, Any], str]]) -> Iterator[str]:
    """Warn about ports of the pod that several containers define."""
    defined: dict[tuple[int, str], list[tuple[str, int, str]]] = {}
    for container, where in containers:
        for index, port in enumerate(container.get("ports", ())):
            address, number, path = port.get("hostIP", ""), port.get("hostPort", 0), f"{where}.ports[{index}]"
            others = defined.setdefault((port.get("containerPort", 0), port.get("protocol", "TCP")), [])
            for other_address, other_number, other in others:
                if (address, number) == (other_address, other_number):
                    yield f"{path}: duplicate port definition with {other}"
                elif not number or not other_number:
                    yield f"{path}: overlapping port definition with {other}"
                elif number == other_number and (not address) != (not other_address):
                    yield f"{path}: dangerously ambiguous port definition with {other}"
            others.append((address, number, path))


def _of_pod_affinity(affinity: dict[str, Any], path: str) -> Iterator[str]:
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind, {})
        for index, term in enumerate(terms.get(_REQUIRED, ())):
            if term.get("labelSelector") is None:
                yield f"{path}.{kind}.{_REQUIRED}[{index}].labelSelector: {_NO_SELECTOR}"
        for index, weighted in enumerate(terms.get(_PREFERRED, ())):
            if weighted.get("podAffinityTerm", {}).get("labelSelector") is None:
                yield f"{path}.{kind}.{_PREFERRED}[{index}].podAffinityTerm.labelSelector: {_NO_SELECTOR}"
