"""The C ABI, see ``include/kschedcore.h``: :data:`API` is a capsule that holds its table of functions.

C programs take it with the header's ``kschedcore_import()``; nothing else in the package needs it.
"""

from __future__ import annotations

from kschedcore.capi.table import API

__all__ = ["API"]
