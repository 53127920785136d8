"""The C ABI, see ``include/kschedcore.h``: :data:`API` is a capsule that holds its table of functions.

C programs import it with the header's ``kschedcore_import()``; the rest of the package does not use it.
"""

from __future__ import annotations

from kschedcore.capi.table import API

__all__ = ["API"]
