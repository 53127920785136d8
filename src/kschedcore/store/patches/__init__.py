"""Patches that say how to change an object: JSON patch, JSON merge patch, strategic merge patch."""

from kschedcore.store.patches.errors import PatchConflict, PatchError
from kschedcore.store.patches.jsonpatch import apply_json_patch
from kschedcore.store.patches.mergepatch import apply_merge_patch
from kschedcore.store.patches.strategic import apply_strategic_merge_patch

__all__ = [
    "PatchConflict",
    "PatchError",
    "apply_json_patch",
    "apply_merge_patch",
    "apply_strategic_merge_patch",
]
