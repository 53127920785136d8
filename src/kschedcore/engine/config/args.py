"""Base types of plugin arguments (kubescheduler.config.k8s.io/v1), and types that several plugins use.

The arguments of an in-tree plugin are in the plugin's module, in ``engine/plugins``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Self

import msgspec

from kschedcore.api.machinery.field_errors import FieldError, invalid, required

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""An integer that fits Kubernetes' int32 fields."""

MAX_SHAPE_SCORE = 10
"""The highest score that a point of a shape may have (MaxCustomPriorityScore)."""


class Fields(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Base of the structures of a configuration file; an unknown field is an error."""


class Args(Fields, frozen=True, kw_only=True):
    """Base of plugin arguments; a plugin names its own subclass as :attr:`Plugin.args_type`."""

    def defaulted(self) -> Self:
        """Return the arguments with Kubernetes' defaults filled in."""
        return self

    def errors(self, path: str) -> Iterable[FieldError]:  # noqa: ARG002
        """Return what is wrong with the arguments.

        Args:
            path: The field path of the arguments, for messages.
        """
        return ()


class NoArgs(Args, frozen=True):
    """Arguments of a plugin that takes none."""


class ResourceSpec(Fields, frozen=True):
    """A resource and its weight in a scoring strategy, 1 to 100; 0 means 1."""

    name: str = ""
    weight: Int32 = 0


CPU_AND_MEMORY = (ResourceSpec("cpu", 1), ResourceSpec("memory", 1))


def weighted(resources: tuple[ResourceSpec, ...]) -> tuple[ResourceSpec, ...]:
    """Return resources with their weights filled in; cpu and memory when there are none."""
    return tuple(ResourceSpec(each.name, each.weight or 1) for each in resources) or CPU_AND_MEMORY


class UtilizationShapePoint(Fields, frozen=True):
    """A point of a piecewise linear function: utilisation 0 to 100, score 0 to 10."""

    utilization: Int32 = 0
    score: Int32 = 0


def shape_errors(shape: Sequence[UtilizationShapePoint], path: str) -> Iterable[FieldError]:
    """Yield what is wrong with a function's points (``validateFunctionShape``)."""
    if not shape:
        yield required(path, "at least one point must be specified")
    for index in range(1, len(shape)):
        if shape[index - 1].utilization >= shape[index].utilization:
            problem = "values must be sorted in increasing order"
            yield invalid(f"{path}[{index}].utilization", shape[index].utilization, problem)
            break
    for index, point in enumerate(shape):
        if not 0 <= point.utilization <= 100:
            yield invalid(f"{path}[{index}].utilization", point.utilization, "not in valid range [0, 100]")
        if not 0 <= point.score <= MAX_SHAPE_SCORE:
            yield invalid(f"{path}[{index}].score", point.score, f"not in valid range [0, {MAX_SHAPE_SCORE}]")
