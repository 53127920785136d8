"""Values for tests of back ends."""

from __future__ import annotations

from kschedcore.api.machinery.frozen import Interner
from kschedcore.store.codec import Draft

INTERNER = Interner()


def draft(text: str = "") -> Draft:
    return Draft({"metadata": {"name": "x"}, "text": text}, None, INTERNER)
