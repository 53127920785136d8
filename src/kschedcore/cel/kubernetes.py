"""The environment that all expressions in Kubernetes 1.36 share (k8s.io/apiserver/pkg/cel/environment)."""

from __future__ import annotations

from functools import cache
from typing import Final

from kschedcore.cel.declarations import Library
from kschedcore.cel.environment import Environment
from kschedcore.cel.functions import (
    optionals,
    quantity,
    regex,
    semver,
    standard,
)
from kschedcore.cel.macros import BINDINGS
from kschedcore.cel.validators import LITERALS

__all__ = ["BINDINGS_LIBRARY", "LIBRARIES", "PER_CALL_LIMIT", "base_environment"]

PER_CALL_LIMIT: Final = 1_000_000
"""Most that one evaluation may cost."""

BINDINGS_LIBRARY: Final = Library("bindings", macros=BINDINGS)
"""``cel.bind``, which device selectors have and other expressions have not."""

LIBRARIES: Final = (
    standard.LIBRARY,
    regex.LIBRARY,
    optionals.LIBRARY,
    quantity.LIBRARY,
    semver.LIBRARY,
)


@cache
def base_environment() -> Environment:
    """Return the environment without variables."""
    return Environment({}, LIBRARIES, LITERALS)
