"""Behaviour files: fields, matching, and errors of invalid files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kschedcore.errors import ManifestError, NotFoundError
from kschedcore.nodes import Behaviours, SimulatedRuntime
from kschedcore.nodes.runtimes import behaviours
from kschedcore.nodes.runtimes.behaviour import Behaviour
from kschedcore.nodes.runtimes.behaviours import ANNOTATION

from .world import World, container

POD: dict[str, Any] = {
    "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web", "tier": "a"}}
}


def of(match: dict[str, Any], pod: dict[str, Any] = POD, image: str = "nginx:1.16") -> Behaviour:
    read = Behaviours.read({"behaviours": [{"match": match, "stop": {"exitCode": 42}}]})
    return Behaviours(read).of(pod, container(image=image))


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({}, True),
        ({"image": "nginx:*"}, True),
        ({"image": "redis"}, False),
        ({"pod": "web-?"}, True),
        ({"pod": "web"}, False),
        ({"namespace": "shop", "container": "app"}, True),
        ({"namespace": "default"}, False),
        ({"labels": {"app": "web"}}, True),
        ({"labels": {"app": "web", "tier": "b"}}, False),
    ],
)
def test_whom_a_behaviour_is_for(match: dict[str, Any], fits: bool) -> None:
    assert (of(match).stop.exit_code == 42) == fits


def test_the_first_that_fits_decides() -> None:
    first, second = {"match": {"image": "nginx*"}, "stop": {"exitCode": 1}}, {"stop": {"exitCode": 2}}
    behaviours = Behaviours(Behaviours.read({"behaviours": [first, second]}))
    assert behaviours.of(POD, container()).stop.exit_code == 1
    assert behaviours.of(POD, container(image="redis")).stop.exit_code == 2


def test_the_example_in_the_documentation_can_be_read(tmp_path: Path) -> None:
    text = (behaviours.__doc__ or "").partition(".. code-block:: yaml")[2].partition("The first")[0]
    path = tmp_path / "behaviours.yaml"
    path.write_text(text)
    loaded = Behaviours.load(path)
    assert loaded.of(POD, container(image="nginx:1.161")).pull.error == "manifest unknown"
    web = loaded.of(POD, container())
    assert [web.run(attempt).seconds for attempt in range(3)] == [3, None, None]


def test_runs_come_one_after_another_and_the_last_is_repeated() -> None:
    [behaviour] = Behaviours.read({"behaviours": [{"runs": [{"exitCode": 1}, {"exitCode": 2}]}]})
    assert [behaviour.run(attempt).exit_code for attempt in range(4)] == [1, 2, 2, 2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "found a list, expected an object"),
        ({"behaviour": []}, "unknown field behaviour"),
        ({"behaviours": {}}, "behaviours: found an object, expected a list"),
        ({"behaviours": [{"stop": {"second": 1}}]}, "behaviours[0].stop: unknown field second"),
        (
            {"behaviours": [{}, {"runs": [{"seconds": -1}]}]},
            "behaviours[1].runs[0].seconds: found the number -1, expected a number >= 0",
        ),
        (
            {"behaviours": [{"match": {"image": 7}}]},
            "behaviours[0].match.image: found the number 7, expected a string",
        ),
        (
            {"behaviours": [{"usage": [{"cpu": "many"}]}]},
            'behaviours[0].usage[0].cpu: found the string "many", expected a quantity of at least 0',
        ),
        (
            {"behaviours": [{"usage": [{"memory": "-1Mi"}]}]},
            'behaviours[0].usage[0].memory: found the string "-1Mi", expected a quantity of at least 0',
        ),
        (
            {"behaviours": [{"readiness": [{"from": 5}, {"from": 5}]}]},
            "behaviours[0].readiness: found the times 5, 5, expected ascending ones",
        ),
    ],
)
def test_faults_are_reported_with_their_place(data: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as refused:
        Behaviours.read(data)
    assert str(refused.value) == message
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(data))
    with pytest.raises(ManifestError) as located:
        Behaviours.load(path)
    assert str(located.value) == f"{path}: document 1: {message}"


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        Behaviours.load(tmp_path / "none.yaml")


def test_a_pods_annotation_comes_first() -> None:
    world = World({"start": {"seconds": 60}})
    world.run(metadata={"annotations": {ANNOTATION: "{start: {seconds: 2, jitter: 0}}"}})
    world.to(2)
    assert world.phase() == "Running"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{starts: {}}", "unknown field starts"),
        ("", "found 0 documents, expected one behaviour"),
        ("[", None),
        ("{start: {seconds: x}}", 'start.seconds: found the string "x", expected a number'),
    ],
)
def test_an_invalid_annotation_is_reported_and_ignored(text: str, problem: str | None) -> None:
    world = World()
    world.run(metadata={"annotations": {ANNOTATION: text}})
    world.to(1)
    assert world.phase() == "Running"
    [reported] = world.events("InvalidBehaviour")
    assert reported.startswith(f"annotation {ANNOTATION}: {problem or ''}")


def test_starts_are_jittered_by_the_seed_alone() -> None:
    def start_times(seed: int) -> list[str]:
        world = World(nodes=1)
        world.runtime = SimulatedRuntime(seed=seed)
        world.restart()
        revisions = []
        for name in "abcdef":
            world.run(name)
        while world.seconds < 1:
            world.to(world.seconds + 0.1)
            revisions.append("".join(name for name in "abcdef" if world.phase(name) == "Running"))
        assert revisions[-1] == "abcdef"
        return revisions

    assert start_times(1) == start_times(1)
    assert len({tuple(start_times(seed)) for seed in range(3)}) > 1
