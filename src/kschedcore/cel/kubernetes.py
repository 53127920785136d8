"""The environment that all expressions in Kubernetes 1.36 share (k8s.io/apiserver/pkg/cel/environment)."""

from __future__ import annotations

from functools import cache
from typing import Final

from kschedcore.cel.declarations import Library
from kschedcore.cel.environment import Environment
from kschedcore.cel.functions import (
    comprehensions,
    formats,
    lists,
    network,
    optionals,
    quantity,
    regex,
    semver,
    sets,
    standard,
    strings,
    urls,
)
from kschedcore.cel.macros import BINDINGS
from kschedcore.cel.validators import LITERALS

__all__ = ["BINDINGS_LIBRARY", "LIBRARIES", "PER_CALL_LIMIT", "base_environment"]

PER_CALL_LIMIT: Final = 1_000_000
"""Maximum cost of one evaluation."""

BINDINGS_LIBRARY: Final = Library("bindings", macros=BINDINGS)
"""``cel.bind``, which only device selectors have."""

LIBRARIES: Final = (
    standard.LIBRARY,
    urls.LIBRARY,
    regex.LIBRARY,
    lists.KUBERNETES,
    optionals.LIBRARY,
    quantity.LIBRARY,
    strings.LIBRARY,
    sets.LIBRARY,
    network.IP_LIBRARY,
    network.CIDR_LIBRARY,
    formats.LIBRARY,
    comprehensions.LIBRARY,
    semver.LIBRARY,
    lists.EXTENSION,
)
"""The libraries, without that of the authorizer."""


@cache
def base_environment() -> Environment:
    """Return the environment without variables."""
    return Environment({}, LIBRARIES, LITERALS)
