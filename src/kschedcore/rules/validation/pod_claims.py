"""Validation of a pod's claims of devices, and of the containers that use them (KEP-4381)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError

__all__ = ["validate_pod_claims", "validate_used_claims"]

_AT_MOST_ONE = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
_ONE_OF = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"


def validate_pod_claims(claims: Iterable[dict[str, Any]], path: str) -> Iterator[FieldError]:
    """Check ``spec.resourceClaims``: unique names, and a claim or a template for each."""
    names: set[str] = set()
    for index, claim in enumerate(claims):
        where, name = f"{path}[{index}]", claim.get("name", "")
        if not name:
            yield fe.required(f"{where}.name")
        elif name in names:
            yield fe.duplicate(f"{where}.name", name)
        else:
            yield from (fe.invalid(f"{where}.name", name, text) for text in rules.is_dns1123_label(name))
            names.add(name)
        chosen = [key for key in ("resourceClaimName", "resourceClaimTemplateName") if key in claim]
        struct = fe.go_struct("core.PodResourceClaim", claim)
        if len(chosen) > 1:
            yield fe.invalid(where, struct, _AT_MOST_ONE)
        elif not chosen:
            yield fe.invalid(where, struct, _ONE_OF)
        for key in chosen:
            texts = rules.is_dns1123_subdomain(claim[key])
            yield from (fe.invalid(f"{where}.{key}", claim[key], text) for text in texts)


def validate_used_claims(
    used: Iterable[dict[str, Any]], claims: Iterable[dict[str, Any]], path: str
) -> Iterator[FieldError]:
    """Check ``resources.claims`` of a container: claims of its pod, each request of one once.

    Args:
        used: The claims that the container uses.
        claims: Those of its pod.
        path: The path of ``used``.
    """
    known = sorted({claim.get("name", "") for claim in claims})
    seen: dict[str, set[str]] = {}
    for index, claim in enumerate(used):
        where, name, request = f"{path}[{index}]", claim.get("name", ""), claim.get("request", "")
        if not name:
            yield fe.required(where)
            continue
        requests = seen.setdefault(name, set())
        if request in requests or "" in requests or (requests and not request):
            yield fe.duplicate(where, f"{name}/{request}" if request else name)
        requests.add(request)
        if name not in known:
            detail = "must be one of the names in pod.spec.resourceClaims"
            detail += f": {', '.join(known)}" if known else " which is empty"
            yield FieldError(fe.ErrorType.NOT_FOUND, where, name, detail)
