"""The search for garbage cycles is as it was once loading is over, whatever came of it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from kschedcore.errors import NotFoundError
from kschedcore.manifests.collection import collection_put_off
from kschedcore.manifests.manifests import Manifests


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    was_on = gc.isenabled()
    yield
    (gc.enable if was_on else gc.disable)()


@pytest.mark.parametrize("was_on", [True, False])
def test_is_as_it_was_afterwards(was_on: bool, tmp_path: Path) -> None:
    (gc.enable if was_on else gc.disable)()

    with collection_put_off():
        assert not gc.isenabled()
        with collection_put_off():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled() is was_on

    with pytest.raises(NotFoundError):
        Manifests.load(tmp_path / "missing.yaml")
    assert gc.isenabled() is was_on
