"""Containers with any requests."""

from __future__ import annotations

from hypothesis import strategies as st

from kschedcore.api.machinery.types import Object
from kschedcore.testing.strategies.vocabulary import CPU, IMAGES, MEMORY, STORAGE

__all__ = ["containers"]


def containers(name: str) -> st.SearchStrategy[Object]:
    """Draw a container of that name; it shrinks towards one without requests."""
    requests = st.fixed_dictionaries(
        {},
        optional={
            "cpu": st.sampled_from([*CPU, "0"]),
            "memory": st.sampled_from(MEMORY),
            "ephemeral-storage": st.sampled_from(STORAGE),
        },
    )
    resources = requests.map(lambda drawn: {"resources": {"requests": drawn}} if drawn else {})
    return st.tuples(st.sampled_from(IMAGES), resources).map(
        lambda drawn: {"name": name, "image": drawn[0], **drawn[1]}
    )
