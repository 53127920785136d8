"""Validation of pod specs and of the pod templates inside workloads (``ValidatePodSpec``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import one_of
from kschedcore.rules.validation.containers import validate_containers
from kschedcore.rules.validation.metadata import validate_annotations, validate_labels
from kschedcore.rules.validation.placement import (
    validate_affinity,
    validate_scheduling_gates,
    validate_spread_constraints,
    validate_tolerations,
)
from kschedcore.rules.validation.pod_claims import validate_pod_claims
from kschedcore.rules.validation.pod_resources import validate_pod_resources
from kschedcore.rules.validation.pod_security import validate_pod_security
from kschedcore.rules.validation.resources import validate_requirements
from kschedcore.rules.validation.volumes import validate_volumes

__all__ = ["PREEMPTION_POLICIES", "validate_pod_spec", "validate_pod_template"]

_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
PREEMPTION_POLICIES = ("Never", "PreemptLowerPriority")
_MAX_INT32 = (1 << 31) - 1
_MAX_NAMESERVERS = 3
_MAX_SEARCHES = 32
_MAX_SEARCH_BYTES = 2048
_MAX_HOSTNAME_OVERRIDE = 64


def validate_pod_template(template: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate a pod template; its labels are reported at ``path.labels``, as in the server."""
    metadata = template["metadata"]
    yield from validate_labels(metadata.get("labels", {}), f"{path}.labels")
    yield from validate_annotations(metadata.get("annotations", {}), f"{path}.annotations")
    yield from validate_pod_spec(template["spec"], f"{path}.spec")
    if template["spec"].get("ephemeralContainers"):
        detail = "ephemeral containers not allowed in pod template"
        yield fe.forbidden(f"{path}.spec.ephemeralContainers", detail)


def validate_pod_spec(spec: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate a pod spec at ``path``."""
    volumes = {volume.get("name", ""): volume for volume in spec.get("volumes", ())}
    yield from validate_volumes(spec.get("volumes", ()), f"{path}.volumes")
    yield from validate_containers(spec, volumes, path)
    yield from validate_pod_resources(spec, path)
    yield from one_of(spec["restartPolicy"], _RESTART_POLICIES, f"{path}.restartPolicy")
    yield from one_of(spec["dnsPolicy"], _DNS_POLICIES, f"{path}.dnsPolicy")
    yield from _validate_dns(spec, f"{path}.dnsConfig")
    yield from validate_pod_security(spec, path)
    yield from validate_pod_claims(spec.get("resourceClaims", ()), f"{path}.resourceClaims")
    yield from validate_labels(spec.get("nodeSelector", {}), f"{path}.nodeSelector")
    yield from validate_affinity(spec.get("affinity", {}), f"{path}.affinity")
    yield from validate_tolerations(spec.get("tolerations", ()), f"{path}.tolerations")
    yield from validate_scheduling_gates(spec.get("schedulingGates", ()), f"{path}.schedulingGates")
    constraints = spec.get("topologySpreadConstraints", [])
    yield from validate_spread_constraints(constraints, f"{path}.topologySpreadConstraints")
    yield from _validate_names(spec, path)
    yield from _validate_numbers(spec, path)
    yield from _validate_host_aliases(spec.get("hostAliases", ()), f"{path}.hostAliases")
    if spec.get("preemptionPolicy"):
        yield from one_of(spec["preemptionPolicy"], PREEMPTION_POLICIES, f"{path}.preemptionPolicy")
    if spec.get("overhead"):
        # The server validates overhead as limits, with paths of the field itself.
        for error in validate_requirements({"limits": spec["overhead"]}, path):
            yield fe.FieldError(
                error.type, error.field.replace(".limits", ".overhead.limits"), error.value, error.detail
            )


def _validate_dns(spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    config = spec.get("dnsConfig")
    if config is None:
        if spec["dnsPolicy"] == "None":
            yield fe.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")
        return
    servers, searches = config.get("nameservers", []), config.get("searches", [])
    if spec["dnsPolicy"] == "None" and not servers:
        detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        yield fe.required(f"{path}.nameservers", detail)
        return
    if len(servers) > _MAX_NAMESERVERS:
        detail = f"must not have more than {_MAX_NAMESERVERS} nameservers"
        yield fe.invalid(f"{path}.nameservers", servers, detail)
    for index, server in enumerate(servers):
        texts = rules.is_ip(server)
        yield from (fe.invalid(f"{path}.nameservers[{index}]", server, text) for text in texts)
    if len(searches) > _MAX_SEARCHES:
        yield fe.invalid(
            f"{path}.searches", searches, f"must not have more than {_MAX_SEARCHES} search paths"
        )
    if len(" ".join(searches).encode()) > _MAX_SEARCH_BYTES:
        detail = (
            f"must not have more than {_MAX_SEARCH_BYTES} characters (including spaces) in the search list"
        )
        yield fe.invalid(f"{path}.searches", searches, detail)
    for index, search in enumerate(searches):
        name = search.removesuffix(".")
        texts = () if search == "." else rules.is_search_domain(name)
        yield from (fe.invalid(f"{path}.searches[{index}]", name, text) for text in texts)
    for index, option in enumerate(config.get("options", ())):
        if not option.get("name"):
            yield fe.required(f"{path}.options[{index}]", "must not be empty")


def _validate_names(spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    for key in ("serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"):
        name = spec.get(key)
        if name:
            texts = rules.is_dns1123_subdomain(name)
            yield from (fe.invalid(f"{path}.{key}", name, text) for text in texts)
    for key in ("hostname", "subdomain"):
        name = spec.get(key)
        if name:
            yield from (fe.invalid(f"{path}.{key}", name, text) for text in rules.is_dns1123_label(name))
    yield from _validate_hostname_override(spec, f"{path}.hostnameOverride")
    for index, gate in enumerate(spec.get("readinessGates", ())):
        name = gate.get("conditionType", "")
        where = f"{path}.readinessGates[{index}].conditionType"
        yield from (fe.invalid(where, name, text) for text in rules.is_qualified_name(name))


def _validate_hostname_override(spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    """The name of the host that a pod sees, whatever its DNS records say (KEP-4762)."""
    name = spec.get("hostnameOverride")
    if not name:
        return
    texts = rules.is_dns1123_subdomain(name)
    yield from (fe.invalid(path, name, text) for text in texts)
    if len(name.encode()) > _MAX_HOSTNAME_OVERRIDE:
        yield fe.invalid(path, name, f"must be no more than {_MAX_HOSTNAME_OVERRIDE} characters")
    for key in ("hostNetwork", "setHostnameAsFQDN"):
        if spec.get(key):
            yield fe.forbidden(path, f"may not be specified when `{key}` is true")


def _validate_numbers(spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _MAX_INT32:
        detail = f"must be between 1 and {_MAX_INT32}, inclusive"
        yield fe.invalid(f"{path}.activeDeadlineSeconds", deadline, detail)


def _validate_host_aliases(aliases: Iterable[dict[str, Any]], path: str) -> Iterator[FieldError]:
    for index, alias in enumerate(aliases):
        address = alias.get("ip", "")
        yield from (fe.invalid(f"{path}[{index}].ip", address, text) for text in rules.is_ip(address))
        for number, name in enumerate(alias.get("hostnames", ())):
            texts = rules.is_dns1123_subdomain(name)
            yield from (fe.invalid(f"{path}[{index}].hostnames[{number}]", name, text) for text in texts)
