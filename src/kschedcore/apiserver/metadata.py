"""Metadata set by the server: uids, times and generated names, by a clock and a seed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from random import Random

from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import UID, Object
from kschedcore.clock import Clock

__all__ = ["MetaSource"]

# Kubernetes' alphabet of generated suffixes.
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_NAME_LIMIT = 63
_NEVER_SENT = frozenset({"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"})
# RFC 9562: four bits are the version, two the variant; the others of a version 4 UUID are random.
_RANDOM_BITS = (1 << 128) - 1 & ~(0xF << 76) & ~(0x3 << 62)
_VERSION_4 = (4 << 76) | (2 << 62)


class MetaSource:
    """Fills the metadata of new objects; the same seed and clock give the same result.

    Args:
        clock: For ``creationTimestamp``.
        seed: Seed of uids and generated names.
    """

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self._clock = clock
        self._random = Random(seed)

    def now(self) -> str:
        """Return the time in metadata format."""
        return timestamp(self._clock.now())

    def time(self) -> datetime:
        """Return the time."""
        return self._clock.now()

    def uid(self) -> UID:
        """Return a new version 4 UUID."""
        bits = self._random.getrandbits(128) & _RANDOM_BITS | _VERSION_4
        text = f"{bits:032x}"
        return UID(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")

    def names(self, prefix: str) -> Iterator[str]:
        """Yield names of ``generateName`` and a random suffix."""
        base = prefix[: _NAME_LIMIT - _SUFFIX_LENGTH]
        while True:
            yield base + "".join(self._random.choices(_SUFFIX_LETTERS, k=_SUFFIX_LENGTH))

    def complete(self, metadata: Object) -> None:
        """Fill missing metadata of a restored object; its resourceVersion is that of the write."""
        for key in ("resourceVersion", "managedFields", "selfLink"):
            metadata.pop(key, None)
        if not metadata.get("creationTimestamp"):
            metadata["creationTimestamp"] = self.now()
        if not metadata.get("uid"):
            metadata["uid"] = self.uid()

    def fill(self, metadata: Object) -> None:
        """Set the server's fields in the metadata of a new object."""
        if not _NEVER_SENT.isdisjoint(metadata):
            for key in _NEVER_SENT & metadata.keys():
                del metadata[key]
        metadata["creationTimestamp"] = self.now()
        metadata["uid"] = self.uid()
