"""What differs between two specs, for messages that say which change was refused."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["changed_fields"]


def changed_fields(new: dict[str, Any], old: dict[str, Any]) -> str:
    """One ``-`` and one ``+`` line per top-level field that differs, in the order of their names.

    Up to v1.33 the server printed a comparison of its Go structs here (go-cmp), which v1.34 is built
    without; the fields and values are the same, in JSON.
    """
    lines = []
    for key in sorted(new.keys() | old.keys()):
        if new.get(key) != old.get(key):
            for sign, side in (("-", old), ("+", new)):
                if key in side:
                    lines.append(f"{sign} {key}: {json.dumps(side[key], sort_keys=True)}\n")
    return "".join(lines)
