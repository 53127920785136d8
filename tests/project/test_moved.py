"""Names of earlier versions work and warn, or fail with an error that names the new one."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module

import pytest
from tests.project.environments import ROOT

from kschedcore import moved
from kschedcore.apiserver import APIServer
from kschedcore.chaos.invariants import Invariant
from kschedcore.chaos.runner import Outcome
from kschedcore.client.verbs import Client

NEW_NAMES = sorted(name for name in moved.NAMES.values() if name.startswith("kschedcore."))


@pytest.mark.parametrize("old", sorted(moved.MODULES))
def test_a_moved_module_is_the_new_one_and_warns(old: str) -> None:
    new = import_module(f"kschedcore.{moved.MODULES[old]}")
    sys.modules.pop(f"kschedcore.{old}", None)
    with pytest.warns(DeprecationWarning, match=f"kschedcore.{old} has moved to {new.__name__}; see docs"):
        found = import_module(f"kschedcore.{old}")
    for name in new.__all__ if hasattr(new, "__all__") else ():
        assert getattr(found, name) is getattr(new, name)


def test_a_module_below_one_that_moved() -> None:
    script = (
        "import kschedcore.engine.plugins.node_affinity as new, kschedcore.scheduling.plugins.node_affinity as old\n"
        "from kschedcore.scheduling.plugin import Plugin\n"
        "print(old.NodeAffinity is new.NodeAffinity, Plugin.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True kschedcore.engine.plugin\n"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("old", sorted(moved.NAMES))
def test_an_error_names_the_new_name(old: str) -> None:
    module, _, name = f"kschedcore.{old}".rpartition(".")
    line = f"from {module} import {name}" if moved.new_module(module) else f"import {module}.{name}"
    with pytest.raises(
        ImportError, match=re.escape(f"kschedcore.{old} has become {moved.NAMES[old]}; see docs")
    ):
        exec(line)


@pytest.mark.parametrize("new", [each for name in NEW_NAMES for each in name.split(" and ")])
def test_the_new_names_exist(new: str) -> None:
    module, _, name = new.rpartition(".")
    assert hasattr(import_module(module), name)


def test_what_never_was_is_as_ever() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'kschedcore\.nonsense'$"):
        import_module("kschedcore.nonsense")
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'kschedcore\.scheduling\.nonsense'$"):
        import_module("kschedcore.scheduling.nonsense")


def test_attributes_that_were_renamed() -> None:
    server = APIServer()
    client = Client(server, "tester")
    for instance, old, new in (
        (server, "within", "internal"),
        (client, "door", "transport"),
        (Outcome(), "broken", "violation"),
        (Outcome(), "tried", "faults"),
    ):
        with pytest.warns(DeprecationWarning, match=f"{old} is called {new} now"):
            assert getattr(instance, old) == getattr(instance, new)


def test_an_invariant_with_methods_of_old_names_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"Old\.written would not be called: the method is called on_write now"
    ):
        type("Old", (Invariant,), {"written": lambda *_: ()})


def test_the_page_lists_every_module_that_moved() -> None:
    page = (ROOT / "docs/reference/migration.md").read_text()
    for old in moved.MODULES:
        package = f"kschedcore.{old}"
        while f"`{package}`" not in page:
            package = package.rpartition(".")[0]
            assert package, f"kschedcore.{old} is not on the page"
