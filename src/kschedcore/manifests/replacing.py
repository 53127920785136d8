"""A later document of an object that an earlier one has: it is applied again, as ``kubectl apply`` does."""

from __future__ import annotations

import json
from typing import Any

from kschedcore.api.machinery.types import ReadOnlyObject
from kschedcore.api.schema import schema_for
from kschedcore.errors import ManifestError
from kschedcore.rules.patches.errors import PatchError
from kschedcore.rules.patches.strategic import apply_strategic_merge_patch
from kschedcore.rules.patches.three_way import three_way_patch

__all__ = ["applied"]

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def applied(live: ReadOnlyObject, wanted: ReadOnlyObject) -> dict[str, Any]:
    """Return an existing object after a manifest of it was applied.

    Fields that neither the manifest nor the one applied last has keep their values: the replicas that an autoscaler
    set, the uid and the status.

    Args:
        live: The object as the cluster has it.
        wanted: The manifest.

    Raises:
        ManifestError: The object cannot be patched.
    """
    schema = schema_for(wanted.get("apiVersion", ""), wanted.get("kind", ""))
    if schema is None or live.get("apiVersion") != wanted.get("apiVersion"):
        kept = {key: live[key] for key in ("status",) if key in live}
        metadata = {**live.get("metadata", {}), **wanted["metadata"]}
        return {**wanted, **kept, "metadata": metadata}
    patch = three_way_patch(_last_applied(live), wanted, live, schema)
    patch.pop("status", None)
    try:
        return apply_strategic_merge_patch(live, patch, schema)
    except PatchError as error:
        raise ManifestError(f"cannot be applied to the object of the cluster: {error}") from None


def _last_applied(live: ReadOnlyObject) -> dict[str, Any]:
    text = ((live.get("metadata") or {}).get("annotations") or {}).get(_LAST_APPLIED)
    try:
        last = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        last = {}
    return last if isinstance(last, dict) else {}
