"""The pytest plugin: the fixtures ``cluster`` and ``engine``, a seed, and manifests of broken rules.

pytest loads it wherever kschedcore is installed (entry point ``kschedcore``), so that it imports nothing heavy
before a test uses a fixture. ``-p no:kschedcore`` disables it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kschedcore.cluster import Cluster
    from kschedcore.engine.engine import Engine
    from kschedcore.manifests.manifests import Manifests

__all__ = ["cluster", "engine", "kschedcore_manifests", "kschedcore_seed"]

_MARKER = (
    "kschedcore(*manifests, nodes=N): what the fixtures `cluster` and `engine` begin with: files beside the test, "
    "folders or objects, and so many plain nodes (3 when nothing is given)."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("kschedcore")
    group.addoption(
        "--kschedcore-seed",
        type=int,
        metavar="N",
        help="Draw among equally good nodes, and whatever else is drawn, from this seed "
        "(default: the first node by name, and seed 0).",
    )
    group.addoption(
        "--kschedcore-manifests",
        type=Path,
        metavar="DIR",
        help="Where to write the manifest of what broke a rule (default: pytest's cache).",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Report the seed, if there is one."""
    seed = config.getoption("kschedcore_seed")
    return None if seed is None else f"kschedcore: --kschedcore-seed={seed}"


@pytest.fixture
def kschedcore_seed(pytestconfig: pytest.Config) -> int | None:
    """The value of ``--kschedcore-seed``, for ``place(…, seed=kschedcore_seed)``; None without it."""
    seed: int | None = pytestconfig.getoption("kschedcore_seed")
    return seed


@pytest.fixture
def kschedcore_manifests(request: pytest.FixtureRequest) -> Manifests:
    """The initial manifests of ``cluster`` and ``engine``: those of the marker. Override it for others."""
    from kschedcore.cluster.initial import plain_node
    from kschedcore.testing.sources import manifests_of

    marker = request.node.get_closest_marker("kschedcore")
    given: tuple[Any, ...] = () if marker is None else marker.args
    count: int = (0 if given else 3) if marker is None else marker.kwargs.get("nodes", 0 if given else 3)
    beside = [request.path.parent / each if isinstance(each, str) else each for each in given]
    return manifests_of(*beside, [plain_node(number) for number in range(1, count + 1)])


@pytest.fixture
def cluster(kschedcore_manifests: Manifests, kschedcore_seed: int | None) -> Iterator[Cluster]:
    """A running cluster in simulated time, see :class:`kschedcore.Cluster`."""
    from kschedcore.cluster import Cluster

    objects = kschedcore_manifests.objects.values()
    config = kschedcore_manifests.config
    nodes = [dict(obj) for obj in objects if obj is not config]
    with Cluster.simulated(nodes=nodes, seed=kschedcore_seed or 0, config=config) as living:
        yield living


@pytest.fixture
def engine(kschedcore_manifests: Manifests, kschedcore_seed: int | None) -> Engine:
    """The engine with the manifests' nodes and bound pods, see :class:`kschedcore.Engine`."""
    from kschedcore.engine.engine import Engine

    return Engine(
        kschedcore_manifests,
        config=kschedcore_manifests.config,
        tie_break="first" if kschedcore_seed is None else "random",
        seed=kschedcore_seed or 0,
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write the manifest of a broken rule, and report how to reproduce it."""
    report = yield
    if call.excinfo is not None and report.failed:
        commands = [
            _reproduction(item, error, number) for number, error in enumerate(_broken(call.excinfo.value))
        ]
        if commands:
            report.sections.append(("kschedcore", "\n".join(commands)))
    return report


def _broken(error: BaseException) -> Iterator[Any]:
    """Yield broken rules that have a pod, those in exception groups included."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _broken(each)
    elif isinstance(error, AssertionError) and getattr(error, "manifest", None) is not None:
        yield error


def _reproduction(item: pytest.Item, error: Any, number: int) -> str:
    name = re.sub(r"[^\w.-]+", "_", item.nodeid)
    path = _folder(item.config) / (f"{name}-{number}.json" if number else f"{name}.json")
    here = item.config.invocation_params.dir
    command: str = error.save(path.relative_to(here) if path.is_relative_to(here) else path)
    return command


def _folder(config: pytest.Config) -> Path:
    folder: Path | None = config.getoption("kschedcore_manifests")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        return folder.absolute()
    cache: pytest.Cache | None = getattr(config, "cache", None)  # None if the cache plugin is disabled
    return cache.mkdir("kschedcore") if cache is not None else Path(tempfile.mkdtemp(prefix="kschedcore-"))
