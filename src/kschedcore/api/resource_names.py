"""Classification of resource names (``pkg/apis/core/helper``)."""

from __future__ import annotations

from kschedcore.api import labels as rules
from kschedcore.api.machinery.remembered import remembered

__all__ = [
    "COMPUTE_QUOTA_RESOURCES", "INTEGER_QUOTA_RESOURCES", "STANDARD_CONTAINER_RESOURCES",
    "STANDARD_QUOTA_RESOURCES", "STANDARD_RESOURCES", "is_extended", "is_huge_page", "is_native",
    "is_overcommit_allowed", "is_pod_level",
]  # fmt: skip

STANDARD_CONTAINER_RESOURCES = frozenset({"cpu", "memory", "ephemeral-storage"})
COMPUTE_QUOTA_RESOURCES = frozenset(
    {"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"}
)
INTEGER_QUOTA_RESOURCES = frozenset(
    {
        "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    }
)  # fmt: skip
_OTHER_QUOTA_RESOURCES = frozenset(
    {"ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage", "requests.storage"}
)
STANDARD_QUOTA_RESOURCES = COMPUTE_QUOTA_RESOURCES | INTEGER_QUOTA_RESOURCES | _OTHER_QUOTA_RESOURCES
STANDARD_RESOURCES = STANDARD_QUOTA_RESOURCES | STANDARD_CONTAINER_RESOURCES | {"storage"}


def is_huge_page(name: str) -> bool:
    """Return whether it is huge pages: ``hugepages-2Mi``."""
    return name.startswith("hugepages-")


def is_native(name: str) -> bool:
    """Return whether it is a native resource: without a domain, or of kubernetes.io."""
    return "/" not in name or "kubernetes.io/" in name


@remembered
def is_extended(name: str) -> bool:
    """Return whether it is an extended resource: ``nvidia.com/gpu``, of another domain, valid after ``requests.``."""
    if is_native(name) or name.startswith("requests."):
        return False
    return not rules.is_qualified_name(f"requests.{name}")


def is_overcommit_allowed(name: str) -> bool:
    """Return whether limits may exceed requests: native resources, except huge pages."""
    return is_native(name) and not is_huge_page(name)


def is_pod_level(name: str) -> bool:
    """Return whether it is supported at pod level (``IsSupportedPodLevelResource``, KEP-2837)."""
    return name in ("cpu", "memory") or is_huge_page(name)
