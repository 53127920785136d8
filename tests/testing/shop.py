"""The demo's shop."""

from __future__ import annotations

from pathlib import Path

import kschedcore.cli
from kschedcore.testing import Placements, place

DATA = Path(kschedcore.cli.__file__).parent / "data"
SHOP = [DATA / "cluster.yaml", DATA / "app.yaml"]


def shop() -> Placements:
    """The shop, placed."""
    return place(SHOP)
