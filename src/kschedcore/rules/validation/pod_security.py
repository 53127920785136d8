"""Validation of security contexts, operating systems and host namespaces of pods."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import one_of

__all__ = ["validate_container_security", "validate_pod_security"]

_MAX_INT32 = (1 << 31) - 1
_RANGE = f"must be between 0 and {_MAX_INT32}, inclusive"
_PROFILE_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
_MAX_SYSCTL = 253
_MAX_APPARMOR_PROFILE = 4095
_SYSCTL_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = rf"({_SYSCTL_SEGMENT}[\./])*{_SYSCTL_SEGMENT}"
_NETWORK_SYSCTLS = ("net.",)
_IPC_SYSCTLS = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
_SYSTEMS = ("linux", "windows")
_POD_LINUX_ONLY = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls",
    "runAsUser", "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy",
)  # fmt: skip
_SPEC_LINUX_ONLY = ("hostUsers", "hostPID", "hostIPC", "shareProcessNamespace")
_CONTAINER_LINUX_ONLY = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged",
    "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
)  # fmt: skip
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


def validate_pod_security(spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    """Validate a pod's security, its operating system and its use of the node's namespaces."""
    context, where = spec.get("securityContext", {}), f"{path}.securityContext"
    yield from _users(context, ("fsGroup", "runAsUser", "runAsGroup"), where)
    for index, group in enumerate(context.get("supplementalGroups", ())):
        if not 0 <= group <= _MAX_INT32:
            yield fe.invalid(f"{where}.supplementalGroups[{index}]", group, _RANGE)
    if spec.get("hostPID") and spec.get("shareProcessNamespace"):
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        yield fe.invalid(f"{where}.shareProcessNamespace", True, detail)
    yield from _sysctls(context.get("sysctls", ()), spec, f"{where}.sysctls")
    for key, supported in (
        ("fsGroupChangePolicy", ("Always", "OnRootMismatch")),
        ("supplementalGroupsPolicy", ("Merge", "Strict")),
        ("seLinuxChangePolicy", ("MountOption", "Recursive")),
    ):
        if key in context:
            yield from one_of(context[key], supported, f"{where}.{key}")
    yield from _profiles(context, where)
    yield from _host_namespaces(spec, path)
    if "os" in spec:
        yield from _operating_system(spec, path)


def validate_container_security(
    context: dict[str, Any], path: str, *, host_users: bool
) -> Iterator[FieldError]:
    """Check the security context of a container (``ValidateSecurityContext``).

    Args:
        context: The security context.
        path: Its path.
        host_users: Whether the pod is in the user namespace of its node.
    """
    yield from _users(context, ("runAsUser", "runAsGroup"), path)
    mount = context.get("procMount")
    if mount is not None:
        yield from one_of(mount, ("Default", "Unmasked"), f"{path}.procMount")
        if mount == "Unmasked" and host_users:
            yield fe.invalid(f"{path}.procMount", mount, "`hostUsers` must be false to use `Unmasked`")
    yield from _profiles(context, path)
    if context.get("allowPrivilegeEscalation") is False:
        struct = fe.go_struct("core.SecurityContext", context)
        if context.get("privileged"):
            detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            yield fe.invalid(path, struct, detail)
        if "CAP_SYS_ADMIN" in context.get("capabilities", {}).get("add", ()):
            detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            yield fe.invalid(path, struct, detail)


def _users(context: dict[str, Any], keys: tuple[str, ...], path: str) -> Iterator[FieldError]:
    for key in keys:
        value = context.get(key)
        if value is not None and not 0 <= value <= _MAX_INT32:
            yield fe.invalid(f"{path}.{key}", value, _RANGE)


def _sysctls(sysctls: list[dict[str, Any]], spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    names: set[str] = set()
    for index, sysctl in enumerate(sysctls):
        where, name = f"{path}[{index}].name", sysctl.get("name", "")
        if not name:
            yield fe.required(where)
        elif len(name) > _MAX_SYSCTL or not re.fullmatch(_SYSCTL, name):
            detail = f"must have at most {_MAX_SYSCTL} characters and match regex ^{_SYSCTL}$"
            yield fe.invalid(where, name, detail)
        elif name in names:
            yield fe.duplicate(where, name)
        names.add(name)
        dotted = name.replace("/", ".")
        for flag, prefixes in (("hostNetwork", _NETWORK_SYSCTLS), ("hostIPC", _IPC_SYSCTLS)):
            if spec.get(flag) and dotted.startswith(prefixes):
                yield fe.invalid(where, name, f"may not be specified when '{flag}' is true")


def _profiles(context: dict[str, Any], path: str) -> Iterator[FieldError]:
    for key, words in (("seccompProfile", "seccomp type"), ("appArmorProfile", "AppArmor type")):
        if key in context:
            yield from _profile(context[key], key, words, f"{path}.{key}")


def _profile(profile: dict[str, Any], key: str, words: str, path: str) -> Iterator[FieldError]:
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    if not kind:
        yield fe.required(f"{path}.type", f"type is required when {key} is set")
    else:
        yield from one_of(kind, _PROFILE_TYPES, f"{path}.type")
    where = f"{path}.localhostProfile"
    if kind != "Localhost":
        if local is not None:
            shown = local if key == "appArmorProfile" else fe.go_struct("core.SeccompProfile", profile)
            yield fe.invalid(where, shown, f"can only be set when {words} is Localhost")
    elif local is None or (key == "appArmorProfile" and not local.strip()):
        yield fe.required(where, f"must be set when {words} is Localhost")
    elif key == "appArmorProfile":
        if local.strip() != local:
            yield fe.invalid(where, local, "must not be padded with whitespace")
        if len(local.encode()) > _MAX_APPARMOR_PROFILE:
            yield fe.too_long(where, _MAX_APPARMOR_PROFILE)
    else:
        if local.startswith("/"):
            yield fe.invalid(where, local, "must be a relative path")
        if ".." in local.split("/"):
            yield fe.invalid(where, local, "must not contain '..'")


def _host_namespaces(spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    """A pod in a user namespace of its own shares no other namespace with its node (KEP-127)."""
    if spec.get("hostUsers") is not False:
        return
    for key, name in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
        if spec.get(key):
            yield fe.forbidden(f"{path}.{name}", "when `hostUsers` is false")


def _operating_system(spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    name = spec["os"].get("name", "")
    if not name:
        yield fe.required(f"{path}.os.name", "cannot be empty")
    elif name not in _SYSTEMS:
        yield fe.not_supported(f"{path}.os", name, _SYSTEMS)
    elif name == "linux":
        detail = "windows options cannot be set for a linux pod"
        for where, context in _contexts(spec, path):
            if "windowsOptions" in context:
                yield fe.forbidden(f"{where}.windowsOptions", detail)
    else:
        yield from _windows(spec, path)


def _contexts(spec: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The security contexts of a pod and of its containers, with their paths."""
    yield f"{path}.securityContext", spec.get("securityContext", {})
    for key in _CONTAINERS:
        for index, container in enumerate(spec.get(key) or ()):
            yield f"{path}.{key}[{index}].securityContext", container.get("securityContext", {})


def _windows(spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    detail = "cannot be set for a windows pod"
    # hostPID and hostIPC count when they are true, the others when they are there.
    yield from (fe.forbidden(f"{path}.{key}", detail) for key in _SPEC_LINUX_ONLY if key in spec)
    for where, context in _contexts(spec, path):
        of_pod = where == f"{path}.securityContext"
        keys = _POD_LINUX_ONLY if of_pod else _CONTAINER_LINUX_ONLY
        yield from (fe.forbidden(f"{where}.{key}", detail) for key in keys if key in context)
