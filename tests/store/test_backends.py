"""The contract of back ends: each of them against a model that keeps a whole copy of the map for every revision.

A new back end joins by a line in ``BACKENDS``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore.api.machinery.frozen import KnownFields, freeze
from kschedcore.store.backend import (
    Backend,
    Compacted,
    Entry,
    EventType,
    RevisionMismatch,
    TooLarge,
    Unavailable,
    Write,
)
from kschedcore.store.codec import Draft, decode
from kschedcore.store.memory import MemoryBackend

from .drafts import draft
from .sqlite_backend import SQLiteBackend

BACKENDS: dict[str, Callable[[], Backend]] = {"memory": MemoryBackend, "sqlite": SQLiteBackend}
KEYS = ["pods/a/x", "pods/a/y", "pods/a-b/x", "pods/b/x", "nodes/n"]
PREFIXES = ["pods/", "pods/a/", "pods/a-b/", "nodes/", "pods/none/"]
Step = tuple[str, bool]
Snapshot = dict[str, int]
steps = st.lists(st.tuples(st.sampled_from(KEYS), st.booleans()), max_size=40)
every_backend = pytest.mark.parametrize("make", BACKENDS.values(), ids=BACKENDS.keys())
quick = settings(max_examples=50)


def carried_out(backend: Backend, history: list[Step]) -> list[Snapshot]:
    """Carry out puts and deletions; return the map after every revision, beginning with revision 1."""
    snapshots: list[Snapshot] = [{}]
    for key, delete in history:
        now = dict(snapshots[-1])
        if delete and key in now:
            backend.delete(key, draft(), expected=now.pop(key))
        elif not delete:
            now[key] = backend.put(key, draft(), expected=now.get(key, 0)).revision
        else:
            continue
        snapshots.append(now)
    return snapshots


@every_backend
@quick
@given(history=steps, data=st.data())
def test_a_range_is_the_map_as_of_its_revision(
    make: Callable[[], Backend], history: list[Step], data: st.DataObject
) -> None:
    backend = make()
    snapshots = carried_out(backend, history)
    revision = data.draw(st.integers(1, backend.revision))
    prefix = data.draw(st.sampled_from(PREFIXES))
    limit = data.draw(st.integers(0, 4))
    start = data.draw(st.sampled_from(["", *KEYS]))
    page = backend.range(prefix, start=start, limit=limit, revision=revision)
    wanted = sorted(
        (key, at) for key, at in snapshots[revision - 1].items() if key.startswith(prefix) and key >= start
    )
    assert [(entry.key, entry.revision) for entry in page.entries] == wanted[: limit or None]
    assert all(entry.value["metadata"]["resourceVersion"] == str(entry.revision) for entry in page.entries)
    assert (page.remaining, page.revision) == (len(wanted) - len(page.entries), revision)


@every_backend
@quick
@given(history=steps, data=st.data())
def test_events_after_a_revision_lead_from_it_to_now(
    make: Callable[[], Backend], history: list[Step], data: st.DataObject
) -> None:
    backend = make()
    snapshots = carried_out(backend, history)
    revision = data.draw(st.integers(1, backend.revision))
    prefix = data.draw(st.sampled_from(["", *PREFIXES]))
    replayed = {key: at for key, at in snapshots[revision - 1].items() if key.startswith(prefix)}
    events, until = backend.events(revision, prefix)
    assert until == backend.revision
    for event in events:
        before = None if event.previous is None else int(event.previous["metadata"]["resourceVersion"])
        assert before == replayed.get(event.key)
        assert (before is None) == (event.type is EventType.ADDED)
        if event.type is EventType.DELETED:
            del replayed[event.key]
        else:
            replayed[event.key] = event.revision
    assert replayed == {key: at for key, at in snapshots[-1].items() if key.startswith(prefix)}
    assert not prefix or backend.last_change(prefix.partition("/")[0]) <= backend.revision


@every_backend
@quick
@given(history=steps, data=st.data())
def test_compaction_keeps_the_present_and_what_follows(
    make: Callable[[], Backend], history: list[Step], data: st.DataObject
) -> None:
    backend = make()
    snapshots = carried_out(backend, history)
    revision = data.draw(st.integers(1, backend.revision))
    events = backend.events(revision)
    later = data.draw(st.integers(revision, backend.revision))
    then = backend.range("pods/", revision=later)
    backend.compact(revision)
    assert backend.oldest == revision
    assert backend.revision == len(snapshots)
    assert backend.events(revision) == events
    assert backend.range("pods/", revision=later) == then
    if revision > 1:
        for read in (
            lambda: backend.events(revision - 1),
            lambda: backend.range("pods/", revision=revision - 1),
        ):
            with pytest.raises(Compacted) as gone:
                read()
            assert (gone.value.requested, gone.value.oldest) == (revision - 1, revision)


@every_backend
@quick
@given(history=steps, expected=st.lists(st.sampled_from([None, 0, 2, 3]), min_size=40, max_size=40))
def test_a_batch_does_what_its_writes_do_one_by_one(
    make: Callable[[], Backend], history: list[Step], expected: list[int | None]
) -> None:
    batch = [
        Write(key, draft(str(number)), expected[number], delete=delete)
        for number, (key, delete) in enumerate(history)
    ]
    together, alone = make(), make()
    singly: list[Entry | str] = []
    for each in batch:
        carry_out = alone.delete if each.delete else alone.put
        try:
            singly.append(carry_out(each.key, each.value, expected=each.expected))
        except RevisionMismatch as refused:
            singly.append(str(refused))
    results = [each if isinstance(each, Entry) else str(each) for each in together.write(batch)]
    assert results == singly
    assert together.events(1) == alone.events(1)


@every_backend
def test_a_write_against_another_revision_changes_nothing(make: Callable[[], Backend]) -> None:
    backend = make()
    first = backend.put("pods/a/x", draft("first"), expected=0)
    for expected in (0, first.revision + 1):
        with pytest.raises(RevisionMismatch) as refused:
            backend.put("pods/a/x", draft("second"), expected=expected)
        assert refused.value.found == first.revision
        with pytest.raises(RevisionMismatch):
            backend.delete("pods/a/x", draft(), expected=expected)
    assert backend.get("pods/a/x") == first
    assert backend.revision == first.revision


@every_backend
def test_deleting_a_key_that_does_not_exist_is_refused(make: Callable[[], Backend]) -> None:
    with pytest.raises(RevisionMismatch) as refused:
        make().delete("pods/a/x", draft())
    assert refused.value.found == 0


@every_backend
def test_field_records_are_stored_with_the_object(make: Callable[[], Backend]) -> None:
    backend = make()
    entries = freeze([{"manager": "m", "operation": "Update", "fieldsV1": {"f:text": {}}}])
    value = Draft({"metadata": {"name": "x"}, "text": "a"}, KnownFields(entries))
    backend.put("pods/a/x", value)
    entry = backend.get("pods/a/x")
    assert entry is not None
    assert "managedFields" not in entry.value["metadata"]
    assert entry.value.completed()["metadata"]["managedFields"] == entries
    assert decode(value.encoded(), entry.revision).completed() == entry.value.completed()


@every_backend
def test_a_reader_waits_for_the_next_write(make: Callable[[], Backend]) -> None:
    backend = make()
    before = backend.revision
    assert backend.wait(before, timeout=0) == before
    woken, found = threading.Event(), []
    cancel = backend.subscribe(woken.set)

    def read() -> None:
        found.append(backend.wait(before))

    reader = threading.Thread(target=read)
    reader.start()
    revision = backend.put("pods/a/x", draft()).revision
    reader.join(timeout=600)
    assert found == [revision]
    assert woken.is_set()
    woken.clear()
    cancel()
    backend.put("pods/a/x", draft())
    assert not woken.is_set()


@every_backend
def test_a_batch_wakes_readers_once(make: Callable[[], Backend]) -> None:
    backend, woken = make(), []
    backend.subscribe(lambda: woken.append(backend.revision))
    backend.write([Write(key, draft()) for key in KEYS])
    assert woken == [backend.revision]


@every_backend
def test_concurrent_writers_lose_no_update(make: Callable[[], Backend]) -> None:
    backend = make()
    first = backend.put("pods/a/x", draft("0"))

    def count() -> None:
        done = 0
        while done < 20:
            entry = backend.get("pods/a/x")
            assert entry is not None
            try:
                value = draft(str(int(entry.value["text"]) + 1))
                backend.put("pods/a/x", value, expected=entry.revision)
            except RevisionMismatch:
                continue
            done += 1

    writers = [threading.Thread(target=count) for _ in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join(timeout=600)
    last = backend.get("pods/a/x")
    assert last is not None
    assert (last.value["text"], last.revision) == ("80", first.revision + 80)


@every_backend
def test_a_value_that_is_too_large_is_refused(make: Callable[[], Backend]) -> None:
    backend = make()
    if backend.max_bytes is None:
        assert backend.put("pods/a/x", draft("x" * (1 << 24))).revision == 2
        return
    before = backend.revision
    small, large = (Write(f"pods/a/{size}", draft("x" * size)) for size in (1, backend.max_bytes))
    written, refused = backend.write([small, large])
    assert isinstance(written, Entry)
    assert isinstance(refused, TooLarge)
    with pytest.raises(TooLarge):
        backend.put(large.key, large.value)
    assert backend.revision == before + 1


def test_a_full_disk_is_a_typed_failure_that_writes_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "data")
    backend = SQLiteBackend(path)
    backend.put("pods/a/x", draft("kept"))
    before = backend.revision
    backend.limit_disk()
    with pytest.raises(Unavailable):
        backend.write([Write(f"pods/a/{number}", draft("x" * 30_000)) for number in range(20)])
    assert backend.revision == before
    again = SQLiteBackend(path)
    assert [entry.value["text"] for entry in again.range("pods/").entries] == ["kept"]
    assert again.revision == before


class TestMemory:
    """Behaviour of the back end in memory only: it compacts by itself, and sorts its keys lazily."""

    def test_the_history_is_bounded(self) -> None:
        backend = MemoryBackend(history=4)
        for number in range(20):
            backend.put("pods/a/x", draft(str(number)))
        assert len(backend.events(backend.oldest)[0]) == backend.revision - backend.oldest <= 8
        with pytest.raises(Compacted) as gone:
            backend.events(backend.oldest - 1)
        assert gone.value.oldest == backend.oldest
        assert len(backend.range("pods/", revision=backend.oldest).entries) == 1

    def test_the_index_survives_bursts_of_writes_and_deletions_between_reads(self) -> None:
        backend = MemoryBackend()
        names = [f"pods/a/{number:03}" for number in range(200)]
        for name in reversed(names):
            backend.put(name, draft())
        assert [entry.key for entry in backend.range("pods/").entries] == names
        for name in names[:150]:
            backend.delete(name, draft())
        backend.put(names[0], draft())
        assert [entry.key for entry in backend.range("pods/").entries] == [names[0], *names[150:]]
        backend.delete(names[0], draft())
        backend.put(names[0], draft())
        assert backend.range("pods/a/000").entries[0].key == names[0]
