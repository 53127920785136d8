"""Lists that are kept are those that the back end would read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.machinery.types import Namespace
from kschedcore.store.lister import Lister
from kschedcore.store.memory import MemoryBackend

from .drafts import draft

A, B = Namespace("a"), Namespace("b")
LISTS = [("pods", None), ("pods", A), ("pods", B), ("quotas", None), ("quotas", A)]
keys = st.sampled_from(["pods/a/1", "pods/a/2", "pods/b/1", "quotas/a/1"])
steps = st.lists(
    st.tuples(st.just("put"), keys) | st.tuples(st.just("delete"), keys) | st.tuples(st.just("list"), st.just(""))
)  # fmt: skip


def check(backend: MemoryBackend, history: list[tuple[str, str]]) -> None:
    kept = Lister(backend)
    for step, key in [*history, ("list", "")]:
        if step == "put":
            backend.put(key, draft())
        elif step == "delete" and backend.get(key) is not None:
            backend.delete(key, draft())
        elif step == "list":
            for resource, namespace in LISTS:
                prefix = f"{resource}/{namespace}/" if namespace else f"{resource}/"
                read = tuple(entry.value for entry in backend.range(prefix).entries)
                assert tuple(kept.list(resource, namespace)) == read


@given(steps)
def test_a_cached_list_equals_the_stored_objects(history: list[tuple[str, str]]) -> None:
    check(MemoryBackend(), history)


@given(steps)
def test_a_lister_lists_again_after_compaction(history: list[tuple[str, str]]) -> None:
    check(MemoryBackend(history=1), history)


def test_what_happens_elsewhere_is_no_reason_to_read_again() -> None:
    backend = MemoryBackend()
    backend.put("pods/a/1", draft())
    kept = Lister(backend)
    before = kept.list("pods", Namespace("a"))
    backend.put("quotas/a/1", draft())
    assert kept.list("pods", Namespace("a")) is before
    backend.put("pods/a/1", draft())
    assert kept.list("pods", Namespace("a")) is not before


def test_long_lists_are_not_kept() -> None:
    backend = MemoryBackend()
    for number in range(1001):
        backend.put(f"pods/a/{number}", draft())
    kept = Lister(backend)
    assert len(kept.list("pods", None)) == 1001
    assert kept.list("pods", None) is not kept.list("pods", None)
