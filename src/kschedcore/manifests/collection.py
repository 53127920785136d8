"""Python's search for garbage cycles, put off."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collection_put_off"]


@contextmanager
def collection_put_off() -> Iterator[None]:
    """Look for no garbage cycles meanwhile.

    A dump of a cluster becomes millions of containers at once, none of them garbage; looking through all of
    them again and again takes longer than reading them. Reference counting goes on.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
