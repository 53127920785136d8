"""Reading and validation of scenarios."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from kschedcore.api.durations import duration
from kschedcore.api.objects.decoding import shown
from kschedcore.api.quantity import nanos
from kschedcore.cluster.references import reference
from kschedcore.errors import KschedcoreError, ManifestError, UsageError
from kschedcore.manifests.loading import Document
from kschedcore.manifests.strict import read_strictly
from kschedcore.nodes.runtimes.behaviours import Behaviours
from kschedcore.simulation.scenario import API_VERSION, Arrivals, Curve, Distribution, Scenario, Step

__all__ = ["LONGEST_SPAN", "read_scenario"]

LONGEST_SPAN = timedelta(days=73_050)
"""Maximum span in a scenario: twice the maximum length of a simulation."""


def read_scenario(document: Document) -> Scenario:
    """Read a document of kind ``Scenario``.

    Raises:
        ManifestError: A field is unknown, invalid, or contradicts another; names the file, document and field.
    """
    try:
        scenario = read_strictly(document.data, Scenario)
        if scenario.api_version != API_VERSION:
            raise _wrong("apiVersion", scenario.api_version, API_VERSION)
        for index, step in enumerate(scenario.spec.steps):
            _check_step(step, f"spec.steps[{index}]")
        for index, arrivals in enumerate(scenario.spec.arrivals):
            _check_arrivals(arrivals, f"spec.arrivals[{index}]")
        for index, load in enumerate(scenario.spec.loads):
            for name, curve in (("cpu", load.cpu), ("memory", load.memory)):
                if curve is not None:
                    _check_curve(curve, f"spec.loads[{index}].{name}")
        names = [each.name for each in scenario.spec.arrivals]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise _wrong(f"spec.arrivals[{index}].name", name, "a name that no other arrivals have")
        Behaviours.check(scenario.spec.behaviours, "spec.behaviours")
    except ManifestError as error:
        raise error.located(source=document.source, document=document.number) from None
    return scenario


_LONGEST = "a span of time of at most 200 years"


def _wrong(path: str, value: object, expected: str) -> ManifestError:
    return ManifestError(f"found {shown(value)}, expected {expected}", path=path)


def _exactly_one(path: str, given: list[str], possible: tuple[str, ...]) -> None:
    if len(given) != 1:
        found = " and ".join(given) if given else "none of them"
        raise ManifestError(f"found {found}, expected exactly one of {', '.join(possible)}", path=path)


def _check_span(path: str, value: Any, *, positive: bool = False) -> timedelta:
    """Read a span of time."""
    try:
        span = duration(value)
    except (UsageError, OverflowError, ValueError) as fault:
        # A span that no clock can be advanced by is valid in form.
        too_long = str(fault).endswith("years")
        expected = _LONGEST if too_long else "a span of time: seconds, or a text such as 90s, 5m, 7d"
        raise _wrong(path, value, expected) from None
    if span > LONGEST_SPAN:
        raise _wrong(path, value, _LONGEST)
    if positive and not span:
        raise _wrong(path, value, "a span of time above 0")
    return span


def _check_step(step: Step, path: str) -> None:
    if step.at is None and step.every is None:
        raise ManifestError("has neither at nor every; expected one of them", path=path)
    for name in ("at", "until"):
        if getattr(step, name) is not None:
            _check_span(f"{path}.{name}", getattr(step, name))
    if step.every is not None:
        _check_span(f"{path}.every", step.every, positive=True)
    elif step.until is not None:
        raise ManifestError("found until without every; expected both or neither", path=f"{path}.until")
    actions = dict(step.actions())
    if len(actions) != 1:
        found = " and ".join(map(_camel, actions)) or "nothing to do"
        raise ManifestError(f"found {found}, expected exactly one action", path=path)
    for where, ref in _references(step):
        _check(f"{path}.{where}", ref, reference)
    for name, value in actions.items():
        if getattr(value, "for_", None) is not None:
            _check_span(f"{path}.{_camel(name)}.for", value.for_, positive=True)


def _references(step: Step) -> Iterator[tuple[str, str]]:
    for index, ref in enumerate(step.delete or ()):
        yield f"delete[{index}]", ref
    for name in ("scale", "grow", "set_image"):
        if getattr(step, name) is not None:
            yield f"{_camel(name)}.target", getattr(step, name).target
    for name in ("rollout_restart", "rollout_undo"):
        if getattr(step, name) is not None:
            yield _camel(name), getattr(step, name)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _check(path: str, value: Any, read: Callable[[Any], object]) -> None:
    try:
        read(value)
    except (KschedcoreError, ValueError) as error:
        raise ManifestError(str(error), path=path) from None


def _check_arrivals(arrivals: Arrivals, path: str) -> None:
    given = [name for name in ("every", "trace") if getattr(arrivals, name) is not None]
    _exactly_one(path, given, ("every", "trace"))
    kind = (arrivals.template.get("apiVersion"), arrivals.template.get("kind"))
    if kind not in [("v1", "Pod"), ("batch/v1", "Job")]:
        raise _wrong(f"{path}.template.kind", kind[1], "a Pod of v1 or a Job of batch/v1")
    _check_template(arrivals.template, f"{path}.template", is_job=arrivals.template["kind"] == "Job")
    for name in ("from_", "until"):
        if getattr(arrivals, name) is not None:
            _check_span(f"{path}.{name.rstrip('_')}", getattr(arrivals, name))
    if arrivals.every is not None:
        _check_distribution(arrivals.every, f"{path}.every", positive=True)
    if arrivals.lifetime is not None:
        _check_distribution(arrivals.lifetime, f"{path}.lifetime")
    if arrivals.trace is not None:
        columns = arrivals.trace.columns
        _check_span(f"{path}.trace.timeUnit", arrivals.trace.time_unit, positive=True)
        if columns.lifetime is not None and columns.departure is not None:
            raise ManifestError(
                "found lifetime and departure, expected one of them", path=f"{path}.trace.columns"
            )
        for resource, request in columns.requests.items():
            _check_quantity(f"{path}.trace.columns.requests[{resource}].unit", f"1{request.unit}")


def _check_template(template: Mapping[str, Any], path: str, *, is_job: bool) -> None:
    """Check that the parts of a template that an arrival changes are of the right type."""
    for name in ("metadata", "spec"):
        if not isinstance(template.get(name, {}), Mapping):
            raise _wrong(f"{path}.{name}", template[name], "an object")
    for name in ("labels", "annotations"):
        found = template.get("metadata", {}).get(name, {})
        if not isinstance(found, Mapping):
            raise _wrong(f"{path}.metadata.{name}", found, "an object")
    spec = template.get("spec", {})
    if is_job:
        inner = spec.get("template", {})
        if not isinstance(inner, Mapping):
            raise _wrong(f"{path}.spec.template", inner, "an object")
        _check_template(inner, f"{path}.spec.template", is_job=False)
        return
    containers = spec.get("containers", [])
    if not isinstance(containers, list) or not all(isinstance(each, Mapping) for each in containers):
        raise _wrong(f"{path}.spec.containers", containers, "a list of objects")
    resources = containers[0].get("resources", {}) if containers else {}
    for name, found in (
        ("", resources),
        *(
            (f".{each}", resources.get(each, {}))
            for each in ("requests", "limits")
            if isinstance(resources, Mapping)
        ),
    ):
        if not isinstance(found, Mapping):
            raise _wrong(f"{path}.spec.containers[0].resources{name}", found, "an object")


def _check_distribution(spans: Distribution, path: str, *, positive: bool = False) -> None:
    kinds = ("constant", "exponential", "lognormal")
    given = [kind for kind in kinds if getattr(spans, kind) is not None]
    _exactly_one(path, given, kinds)
    value = getattr(spans, given[0])
    if spans.lognormal is not None:
        _check_span(f"{path}.lognormal.median", spans.lognormal.median, positive=positive)
    else:
        _check_span(f"{path}.{given[0]}", value, positive=positive)


def _check_curve(curve: Curve, path: str) -> None:
    given = [name for name in ("constant", "day") if getattr(curve, name) is not None]
    _exactly_one(path, given + ["steps"] * bool(curve.steps), ("constant", "steps", "day"))
    if curve.constant is not None:
        _check_quantity(f"{path}.constant", curve.constant)
    if curve.day is not None:
        _check_span(f"{path}.day.peak", curve.day.peak)
        _check_quantity(f"{path}.day.low", curve.day.low)
        _check_quantity(f"{path}.day.high", curve.day.high)
    times = []
    for index, step in enumerate(curve.steps):
        times.append(_check_span(f"{path}.steps[{index}].from", step.from_))
        _check_quantity(f"{path}.steps[{index}].amount", step.amount)
    if times != sorted(set(times)):
        raise ManifestError("found times out of order, expected ascending ones", path=f"{path}.steps")


def _check_quantity(path: str, value: Any) -> None:
    try:
        amount = nanos(value)
    except ValueError:
        amount = -1
    if amount < 0:
        raise _wrong(path, value, "a quantity of at least 0")
