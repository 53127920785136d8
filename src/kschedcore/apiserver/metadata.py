"""What the server writes into metadata: uid, times, generated names; from sources that are passed in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from random import Random

from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import UID, Object
from kschedcore.clock import Clock

__all__ = ["MetaSource"]

# No vowels, and no digits that look like letters: a suffix never spells a word.
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_NAME_LIMIT = 63
_NEVER_SENT = frozenset({"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"})
# RFC 9562: four bits say the version, two the variant; the others of a version 4 UUID are random.
_RANDOM_BITS = (1 << 128) - 1 & ~(0xF << 76) & ~(0x3 << 62)
_VERSION_4 = (4 << 76) | (2 << 62)


class MetaSource:
    """Fills in what an object gets on creation; the same seed and clock give the same bytes.

    Args:
        clock: For ``creationTimestamp``.
        seed: For uids and generated names.
    """

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self._clock = clock
        self._random = Random(seed)

    def now(self) -> str:
        """The time now, as metadata has it."""
        return timestamp(self._clock.now())

    def time(self) -> datetime:
        """The time now."""
        return self._clock.now()

    def uid(self) -> UID:
        """A new version 4 UUID."""
        bits = self._random.getrandbits(128) & _RANDOM_BITS | _VERSION_4
        text = f"{bits:032x}"
        return UID(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")

    def names(self, prefix: str) -> Iterator[str]:
        """Yield names made of ``generateName`` and a random suffix."""
        base = prefix[: _NAME_LIMIT - _SUFFIX_LENGTH]
        while True:
            yield base + "".join(self._random.choices(_SUFFIX_LETTERS, k=_SUFFIX_LENGTH))

    def complete(self, metadata: Object) -> None:
        """Fill what the metadata of a restored object lacks; its version is the write's."""
        for key in ("resourceVersion", "managedFields", "selfLink"):
            metadata.pop(key, None)
        if not metadata.get("creationTimestamp"):
            metadata["creationTimestamp"] = self.now()
        if not metadata.get("uid"):
            metadata["uid"] = self.uid()

    def fill(self, metadata: Object) -> None:
        """Make ``metadata`` that of a new object: what only the server writes is the server's."""
        if not _NEVER_SENT.isdisjoint(metadata):
            for key in _NEVER_SENT & metadata.keys():
                del metadata[key]
        metadata["creationTimestamp"] = self.now()
        metadata["uid"] = self.uid()
