"""What differs between two specs, for messages that say which change was refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import unified_diff
from typing import Any

__all__ = ["difference"]

_CONTEXT_LINES = 10


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """A unified diff of both specs' JSON, as v1.34 prints it (``apimachinery/pkg/util/diff``).

    The server's JSON is that of its internal types, with every empty field; here it is that of the API.
    Earlier releases printed a comparison of Go values instead.
    """
    before, after = (json.dumps(spec, indent=2, sort_keys=True).split("\n") for spec in (old, new))
    lines = unified_diff(before, after, "expected", "got", n=_CONTEXT_LINES, lineterm="")
    return "".join(f"{line}\n" for line in lines)
