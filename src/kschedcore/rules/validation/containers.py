"""Validation of the containers of a pod: images, ports, environment, mounts, probes, resources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import one_of, port_number
from kschedcore.rules.validation.downward import validate_field_reference, validate_resource_reference
from kschedcore.rules.validation.pod_claims import validate_used_claims
from kschedcore.rules.validation.pod_security import validate_container_security
from kschedcore.rules.validation.probes import validate_lifecycle, validate_probe
from kschedcore.rules.validation.resources import validate_requirements

__all__ = ["PROTOCOLS", "validate_containers"]

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
PROTOCOLS = ("SCTP", "TCP", "UDP")
_MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
_RESTART_POLICIES = ("Always", "Never", "OnFailure")
_RESTART_ACTIONS = ("Restart", "RestartAllContainers")
_MAX_RESTART_RULES = 20
_MAX_EXIT_CODES = 255
_VALUE_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_FIELD_PATHS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip


def validate_containers(spec: dict[str, Any], volumes: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate all containers of a pod spec at ``path``; ``volumes`` are those they may mount, by name."""
    containers, init = spec.get("containers") or [], spec.get("initContainers") or []
    yield from _validate_init(init, containers, spec, volumes, f"{path}.initContainers")
    if not containers:
        yield fe.required(f"{path}.containers")
    names: set[str] = set()
    for index, container in enumerate(containers):
        where = f"{path}.containers[{index}]"
        yield from _validate_common(container, names, volumes, spec, where)
        yield from validate_lifecycle(container.get("lifecycle", {}), f"{where}.lifecycle")
        yield from _validate_probes(container, where)
    yield from _validate_host_ports(containers, f"{path}.containers")


def _validate_init(
    init: list[dict[str, Any]],
    containers: list[dict[str, Any]],
    spec: dict[str, Any],
    volumes: dict[str, Any],
    path: str,
) -> Iterator[FieldError]:
    names = {c.get("name", "") for c in containers}
    for index, container in enumerate(init):
        where = f"{path}[{index}]"
        yield from _validate_common(container, names, volumes, spec, where)
        sidecar = container.get("restartPolicy") == "Always"
        if sidecar:
            yield from validate_lifecycle(container.get("lifecycle", {}), f"{where}.lifecycle")
            yield from _validate_probes(container, where)
        else:
            for key in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
                if key in container:
                    yield fe.forbidden(
                        f"{where}.{key}", "may not be set for init containers without restartPolicy=Always"
                    )
    yield from _validate_host_ports(init, path)


def _validate_common(
    container: dict[str, Any], names: set[str], volumes: dict[str, Any], spec: dict[str, Any], path: str
) -> Iterator[FieldError]:
    name = container.get("name", "")
    if not name:
        yield fe.required(f"{path}.name")
    else:
        yield from (fe.invalid(f"{path}.name", name, text) for text in rules.is_dns1123_label(name))
        if name in names:
            yield fe.duplicate(f"{path}.name", name)
        names.add(name)
    image = container.get("image", "")
    if not image:
        yield fe.required(f"{path}.image")
    message_policy = container["terminationMessagePolicy"]
    if message_policy not in _MESSAGE_POLICIES:
        supported = ("File", "FallbackToLogsOnError")
        yield fe.invalid(
            f"{path}.terminationMessagePolicy",
            message_policy,
            f"must be '{supported[0]}' or '{supported[1]}'",
        )
    yield from _validate_ports(container.get("ports", ()), spec, f"{path}.ports")
    yield from _validate_environment(container, volumes, path)
    yield from _validate_mounts(container, volumes, path)
    yield from one_of(container["imagePullPolicy"], _PULL_POLICIES, f"{path}.imagePullPolicy")
    yield from _validate_restart(container, path)
    yield from validate_requirements(container.get("resources", {}), f"{path}.resources")
    used = container.get("resources", {}).get("claims", ())
    yield from validate_used_claims(used, spec.get("resourceClaims", ()), f"{path}.resources.claims")
    context = container.get("securityContext", {})
    host_users = spec.get("hostUsers") is not False
    yield from validate_container_security(context, f"{path}.securityContext", host_users=host_users)


def _validate_restart(container: dict[str, Any], path: str) -> Iterator[FieldError]:
    """Validate the restart policy and rules of a container (KEP-5307, on since v1.35)."""
    policy, rules_ = container.get("restartPolicy"), container.get("restartPolicyRules", ())
    if policy is not None:
        yield from one_of(policy, _RESTART_POLICIES, f"{path}.restartPolicy")
    elif rules_:
        detail = "must specify restartPolicy when restart rules are used"
        yield fe.required(f"{path}.restartPolicy", detail)
    if len(rules_) > _MAX_RESTART_RULES:
        yield fe.too_many(f"{path}.restartPolicyRules", len(rules_), _MAX_RESTART_RULES)
    for index, rule in enumerate(rules_):
        where = f"{path}.restartPolicyRules[{index}]"
        yield from one_of(rule.get("action", ""), _RESTART_ACTIONS, f"{where}.action")
        codes = rule.get("exitCodes")
        if codes is None:
            yield fe.required(f"{where}.exitCodes", "must be specified")
            continue
        yield from one_of(codes.get("operator", ""), ("In", "NotIn"), f"{where}.exitCodes.operator")
        values = codes.get("values", ())
        if len(values) > _MAX_EXIT_CODES:
            yield fe.too_many(f"{where}.exitCodes.values", len(values), _MAX_EXIT_CODES)


def _validate_ports(ports: Iterable[dict[str, Any]], spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    names: set[str] = set()
    for index, port in enumerate(ports):
        where = f"{path}[{index}]"
        name = port.get("name", "")
        if name:
            texts = rules.is_port_name(name)
            yield from (fe.invalid(f"{where}.name", name, text) for text in texts)
            if not texts and name in names:
                yield fe.duplicate(f"{where}.name", name)
            names.add(name)
        number = port.get("containerPort", 0)
        if number == 0:
            yield fe.required(f"{where}.containerPort")
        else:
            yield from port_number(number, f"{where}.containerPort")
        host_port = port.get("hostPort", 0)
        if host_port:
            yield from port_number(host_port, f"{where}.hostPort")
            if spec.get("hostNetwork") and host_port != number:
                yield fe.invalid(
                    f"{where}.hostPort", host_port, "must match `containerPort` when `hostNetwork` is true"
                )
        protocol = port.get("protocol", "")
        if not protocol:
            yield fe.required(f"{where}.protocol")
        else:
            yield from one_of(protocol, PROTOCOLS, f"{where}.protocol")


def _validate_host_ports(containers: Iterable[dict[str, Any]], path: str) -> Iterator[FieldError]:
    taken: set[str] = set()
    for index, container in enumerate(containers):
        for number, port in enumerate(container.get("ports", ())):
            if port.get("hostPort"):
                key = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
                if key in taken:
                    yield fe.duplicate(f"{path}[{index}].ports[{number}].hostPort", key)
                taken.add(key)


def _validate_environment(
    container: dict[str, Any], volumes: dict[str, Any], path: str
) -> Iterator[FieldError]:
    for index, variable in enumerate(container.get("env", ())):
        where = f"{path}.env[{index}]"
        name = variable.get("name", "")
        if not name:
            yield fe.required(f"{where}.name")
        else:
            yield from (fe.invalid(f"{where}.name", name, text) for text in rules.is_env_var_name(name))
        if "valueFrom" in variable:
            yield from _validate_value_source(variable, f"{where}.valueFrom")
            if "fileKeyRef" in variable["valueFrom"]:
                reference = variable["valueFrom"]["fileKeyRef"]
                yield from _validate_file_reference(reference, volumes, f"{where}.valueFrom.fileKeyRef")
    for index, source in enumerate(container.get("envFrom", ())):
        where = f"{path}.envFrom[{index}]"
        prefix = source.get("prefix", "")
        if prefix:
            yield from (fe.invalid(f"{where}.prefix", prefix, t) for t in rules.is_env_var_name(prefix))
        chosen = [key for key in ("configMapRef", "secretRef") if key in source]
        for key in chosen:
            if not source[key].get("name"):
                yield fe.required(f"{where}.{key}.name")
        if not chosen:
            yield fe.invalid(where, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(chosen) > 1:
            yield fe.invalid(where, "", "may not have more than one field specified at a time")


def _validate_value_source(variable: dict[str, Any], path: str) -> Iterator[FieldError]:
    source = variable["valueFrom"]
    chosen = [key for key in _VALUE_SOURCES if key in source]
    for key in ("configMapKeyRef", "secretKeyRef"):
        if key in source:
            if not source[key].get("name"):
                yield fe.required(f"{path}.{key}.name")
            if not source[key].get("key"):
                yield fe.required(f"{path}.{key}.key")
            else:
                text = rules.is_config_map_key(source[key]["key"])
                yield from (fe.invalid(f"{path}.{key}.key", source[key]["key"], t) for t in text)
    if "fieldRef" in source:
        yield from validate_field_reference(source["fieldRef"], _FIELD_PATHS, f"{path}.fieldRef")
    if "resourceFieldRef" in source:
        reference = source["resourceFieldRef"]
        yield from validate_resource_reference(reference, f"{path}.resourceFieldRef", of_volume=False)
    if not chosen:
        yield fe.invalid(
            path,
            "",
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        )
    elif variable.get("value"):
        yield fe.invalid(path, "", "may not be specified when `value` is not empty")
    elif len(chosen) > 1:
        yield fe.invalid(path, "", "may not have more than one field specified at a time")


def _validate_file_reference(
    reference: dict[str, Any], volumes: dict[str, Any], path: str
) -> Iterator[FieldError]:
    """A variable from a file in an ``emptyDir`` of the pod (KEP-3721)."""
    volume, file, key = (reference.get(name, "") for name in ("volumeName", "path", "key"))
    if not key:
        yield fe.required(f"{path}.key")
    else:
        yield from (fe.invalid(f"{path}.key", key, text) for text in rules.is_env_var_name(key))
    if not file:
        yield fe.required(f"{path}.path")
    elif file.startswith("/"):
        yield fe.invalid(f"{path}.path", file, "must be a relative path")
    if ".." in file.split("/"):
        yield fe.invalid(f"{path}.path", file, "must not contain '..'")
    if not volume:
        yield fe.required(f"{path}.volumeName")
    elif "emptyDir" not in volumes.get(volume, {}):
        yield fe.not_found(f"{path}.volumeName", volume)


def _validate_mounts(container: dict[str, Any], volumes: dict[str, Any], path: str) -> Iterator[FieldError]:
    paths: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts", ())):
        where = f"{path}.volumeMounts[{index}]"
        name, mount_path = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield fe.required(f"{where}.name")
        if name not in volumes:
            yield fe.not_found(f"{where}.name", name)
        if not mount_path:
            yield fe.required(f"{where}.mountPath")
        if mount_path in paths:
            yield fe.invalid(f"{where}.mountPath", mount_path, "must be unique")
        paths.add(mount_path)
        sub_path = mount.get("subPath", "")
        if sub_path and mount.get("subPathExpr"):
            yield fe.invalid(
                f"{where}.subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive"
            )
        for key in ("subPath", "subPathExpr"):
            value = mount.get(key, "")
            if value.startswith("/"):
                yield fe.invalid(f"{where}.{key}", value, "must be a relative path")
            if ".." in value.split("/"):
                yield fe.invalid(f"{where}.{key}", value, "must not contain '..'")
            if value and "image" in volumes.get(name, {}):
                yield fe.invalid(f"{where}.{key}", value, "not allowed in image volume sources")
        yield from _validate_mount_options(mount, container, where)


def _validate_mount_options(
    mount: dict[str, Any], container: dict[str, Any], path: str
) -> Iterator[FieldError]:
    """Validate the propagation of mounts, and read-only mounts below a mount (KEP-3857)."""
    propagation, recursive = mount.get("mountPropagation"), mount.get("recursiveReadOnly")
    if propagation is not None:
        yield from one_of(propagation, _PROPAGATIONS, f"{path}.mountPropagation")
    if propagation == "Bidirectional" and not container.get("securityContext", {}).get("privileged"):
        detail = "Bidirectional mount propagation is available only to privileged containers"
        yield fe.forbidden(f"{path}.mountPropagation", detail)
    if recursive is None or recursive == "Disabled":
        return
    where = f"{path}.recursiveReadOnly"
    if recursive not in ("Enabled", "IfPossible"):
        yield fe.not_supported(where, recursive, ("Disabled", "Enabled", "IfPossible"))
        return
    if not mount.get("readOnly"):
        yield fe.forbidden(where, "may only be specified when readOnly is true")
    if propagation not in (None, "None"):
        yield fe.forbidden(where, "may only be specified when mountPropagation is None or not specified")


def _validate_probes(container: dict[str, Any], path: str) -> Iterator[FieldError]:
    for name in ("livenessProbe", "startupProbe"):
        probe = container.get(name)
        if probe is not None:
            yield from validate_probe(probe, f"{path}.{name}")
            if probe.get("successThreshold", 0) != 1:
                yield fe.invalid(
                    f"{path}.{name}.successThreshold", probe.get("successThreshold", 0), "must be 1"
                )
    probe = container.get("readinessProbe")
    if probe is not None:
        yield from validate_probe(probe, f"{path}.readinessProbe")
        if "terminationGracePeriodSeconds" in probe:
            value = probe["terminationGracePeriodSeconds"]
            yield fe.invalid(
                f"{path}.readinessProbe.terminationGracePeriodSeconds",
                value,
                "must not be set for readinessProbes",
            )
