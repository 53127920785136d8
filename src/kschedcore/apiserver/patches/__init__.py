"""JSON patch and JSON merge patch."""

from kschedcore.apiserver.patches.jsonpatch import apply_json_patch
from kschedcore.apiserver.patches.mergepatch import apply_merge_patch
from kschedcore.rules.patches.errors import PatchConflict, PatchError
from kschedcore.rules.patches.strategic import apply_strategic_merge_patch

__all__ = [
    "PatchConflict",
    "PatchError",
    "apply_json_patch",
    "apply_merge_patch",
    "apply_strategic_merge_patch",
]
