"""Values for tests of back ends."""

from __future__ import annotations

from kschedcore.store.codec import Draft


def draft(text: str = "") -> Draft:
    return Draft({"metadata": {"name": "x"}, "text": text}, None)
