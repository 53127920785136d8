"""The back end against a model that keeps a whole copy of the map for every revision."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.machinery.frozen import StoredObject
from kschedcore.store.backend import Backend, Compacted, EventType, RevisionMismatch, Writer
from kschedcore.store.memory import MemoryBackend

KEYS = ["pods/a/x", "pods/a/y", "pods/a-b/x", "pods/b/x", "nodes/n"]
PREFIXES = ["pods/", "pods/a/", "pods/a-b/", "nodes/", "pods/none/"]
operations = st.lists(st.tuples(st.sampled_from(KEYS), st.booleans()), max_size=40)
Snapshot = dict[str, int]


def writer(text: str = "") -> Writer:
    return lambda revision: StoredObject.of({"metadata": {"resourceVersion": str(revision)}, "text": text})


def driven(backend: Backend, steps: list[tuple[str, bool]]) -> list[Snapshot]:
    """Carry out puts and deletions; the map after every revision, beginning with revision 1."""
    snapshots: list[Snapshot] = [{}]
    for key, delete in steps:
        now = dict(snapshots[-1])
        if delete and key in now:
            backend.delete(key, writer(), expected=now.pop(key))
        elif not delete:
            now[key] = backend.put(key, writer(), expected=now.get(key, 0)).revision
        else:
            continue
        snapshots.append(now)
    return snapshots


@given(operations, st.data())
def test_a_range_is_the_map_as_it_was_at_that_revision(
    steps: list[tuple[str, bool]], data: st.DataObject
) -> None:
    backend = MemoryBackend()
    snapshots = driven(backend, steps)
    revision = data.draw(st.integers(1, backend.revision))
    prefix = data.draw(st.sampled_from(PREFIXES))
    limit = data.draw(st.integers(0, 4))
    start = data.draw(st.sampled_from(["", *KEYS]))
    page = backend.range(prefix, start=start, limit=limit, revision=revision)
    wanted = sorted(
        (key, at) for key, at in snapshots[revision - 1].items() if key.startswith(prefix) and key >= start
    )
    assert [(entry.key, entry.revision) for entry in page.entries] == wanted[: limit or None]
    assert page.remaining == len(wanted) - len(page.entries)
    assert page.revision == revision


@given(operations, st.data())
def test_events_after_a_revision_lead_from_it_to_now(
    steps: list[tuple[str, bool]], data: st.DataObject
) -> None:
    backend = MemoryBackend()
    snapshots = driven(backend, steps)
    revision = data.draw(st.integers(1, backend.revision))
    replayed = dict(snapshots[revision - 1])
    for number, event in enumerate(backend.events(revision)[0], start=1):
        assert event.revision == revision + number
        assert (event.key in replayed) == (event.type is not EventType.ADDED)
        if event.type is EventType.DELETED:
            del replayed[event.key]
        else:
            replayed[event.key] = event.revision
    assert replayed == snapshots[-1]


def test_a_write_against_another_revision_changes_nothing() -> None:
    backend = MemoryBackend()
    first = backend.put("pods/a/x", writer("first"), expected=0)
    for expected in (0, first.revision + 1):
        with pytest.raises(RevisionMismatch) as refused:
            backend.put("pods/a/x", writer("second"), expected=expected)
        assert refused.value.found == first.revision
        with pytest.raises(RevisionMismatch):
            backend.delete("pods/a/x", writer(), expected=expected)
    assert backend.get("pods/a/x") == first
    assert backend.revision == first.revision


def test_deleting_what_is_not_there_is_refused() -> None:
    with pytest.raises(RevisionMismatch) as refused:
        MemoryBackend().delete("pods/a/x", writer())
    assert refused.value.found == 0


def test_history_is_bounded_and_says_where_it_begins() -> None:
    backend = MemoryBackend(history=4)
    for number in range(20):
        backend.put("pods/a/x", writer(str(number)))
    assert len(backend.events(backend.oldest)[0]) == backend.revision - backend.oldest <= 8
    with pytest.raises(Compacted) as gone:
        backend.events(backend.oldest - 1)
    assert gone.value.oldest == backend.oldest
    with pytest.raises(Compacted):
        backend.range("pods/", revision=backend.oldest - 1)
    assert len(backend.range("pods/", revision=backend.oldest).entries) == 1


def test_the_index_survives_bursts_of_writes_and_deletions_between_reads() -> None:
    backend = MemoryBackend()
    names = [f"pods/a/{number:03}" for number in range(200)]
    for name in reversed(names):
        backend.put(name, writer())
    assert [entry.key for entry in backend.range("pods/").entries] == names
    for name in names[:150]:
        backend.delete(name, writer())
    backend.put(names[0], writer())
    assert [entry.key for entry in backend.range("pods/").entries] == [names[0], *names[150:]]
    backend.delete(names[0], writer())
    backend.put(names[0], writer())
    assert backend.range("pods/a/000").entries[0].key == names[0]
