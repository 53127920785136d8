"""Kubernetes versions: the feature gates and the rules in which they differ.

This is the only table of differences between versions. Plugins read it when a pod's class is compiled, so it costs
nothing per decision.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from kschedcore.errors import UsageError

__all__ = ["DEFAULT", "GATES", "NEWEST", "VERSIONS", "Release", "Rule", "release_of"]

VERSIONS = ("1.34", "1.36")
"""The supported versions, the oldest first."""

NEWEST = VERSIONS[-1]


class Rule(Enum):
    """A rule that a version changed without a feature gate."""

    BALANCED_ALLOCATION_SCORES_IMPROVEMENT = auto()
    """NodeResourcesBalancedAllocation scores how much the pod improves the balance of a node."""

    TAINT_REASON_NAMES_NO_TAINT = auto()
    """TaintToleration's message is ``node(s) had untolerated taint(s)``, without the taint."""

    IMAGE_LOCALITY_COUNTS_IMAGE_VOLUMES = auto()
    """ImageLocality adds the images of image volumes (KEP-4639)."""

    DYNAMIC_RESOURCES_SCORES = auto()
    """DynamicResources has a Score, by the rank of the chosen subrequests (KEP-4816)."""

    PORTWORX_COUNTS_AS_CSI = auto()
    """NodeVolumeLimits counts Portworx volumes as CSI volumes on every node; before, where the CSINode is annotated."""

    PREEMPTION_ENDS_BINDING = auto()
    """A victim that is not bound yet ends in back-off; before, only one that Permit held, as unschedulable."""


_SINCE: Mapping[Rule, str] = {
    Rule.BALANCED_ALLOCATION_SCORES_IMPROVEMENT: "1.36",
    Rule.TAINT_REASON_NAMES_NO_TAINT: "1.36",
    Rule.IMAGE_LOCALITY_COUNTS_IMAGE_VOLUMES: "1.36",
    Rule.DYNAMIC_RESOURCES_SCORES: "1.36",
    Rule.PORTWORX_COUNTS_AS_CSI: "1.36",
    Rule.PREEMPTION_ENDS_BINDING: "1.36",
}
"""Rule -> the first version that has it."""


@dataclass(frozen=True)
class Gate:
    """A feature gate.

    Attributes:
        on: The versions in which it is on by default.
        locked: The versions in which it cannot be switched off.
    """

    on: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()


_BOTH = VERSIONS
_NEW = ("1.36",)

GATES: Mapping[str, Gate] = {
    "ClearingNominatedNodeNameAfterBinding": Gate(_NEW),
    "DRAAdminAccess": Gate(_BOTH),
    "DRAConsumableCapacity": Gate(_NEW),
    "DRADeviceBindingConditions": Gate(_NEW),
    "DRADeviceTaints": Gate(_NEW),
    "DRAExtendedResource": Gate(_NEW),
    "DRAPartitionableDevices": Gate(_NEW),
    "DRAPrioritizedList": Gate(_BOTH),
    "DynamicResourceAllocation": Gate(_BOTH, _NEW),
    "InPlacePodLevelResourcesVerticalScaling": Gate(_NEW),
    "NodeDeclaredFeatures": Gate(_NEW),
    "NominatedNodeNameForExpectation": Gate(_NEW),
    "PodTopologyLabelsAdmission": Gate(_NEW),
    "SchedulerPopFromBackoffQ": Gate(_BOTH),
}
"""Feature gate -> its defaults. Gates without effect here are not listed."""


@dataclass(frozen=True)
class Release:
    """A Kubernetes version and its enabled feature gates.

    Attributes:
        version: One of :data:`VERSIONS`.
        gates: The feature gates that are on.
    """

    version: str
    gates: frozenset[str]

    def enabled(self, gate: str) -> bool:
        """Return whether a feature gate is on."""
        assert gate in GATES, gate
        return gate in self.gates

    def has(self, rule: Rule) -> bool:
        """Return whether the version has a rule."""
        return _number(self.version) >= _number(_SINCE[rule])


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def release_of(
    kubernetes: str | Release = NEWEST, feature_gates: Mapping[str, bool] | None = None
) -> Release:
    """Return a version with its feature gates.

    Args:
        kubernetes: The version, ``1.36`` (a leading ``v`` is allowed), or a release to start from.
        feature_gates: Gate -> whether it is on, to override the version's defaults.

    Raises:
        UsageError: There is no such version or gate, or the version has locked the gate.
    """
    if isinstance(kubernetes, Release):
        version, gates = kubernetes.version, set(kubernetes.gates)
    else:
        version = kubernetes.removeprefix("v") if isinstance(kubernetes, str) else ""
        gates = {name for name, gate in GATES.items() if version in gate.on}
    if version not in VERSIONS:
        raise UsageError(f"kubernetes is {kubernetes!r}; expected {_listed(VERSIONS)}")
    for name, on in (feature_gates or {}).items():
        if name not in GATES:
            close = difflib.get_close_matches(str(name), GATES, n=1) or sorted(GATES)
            raise UsageError(f"unrecognized feature gate: {name}; expected {_listed(close)}")
        if not isinstance(on, bool):
            raise UsageError(f"feature_gates: {name} is {on!r}; expected True or False")
        if version in GATES[name].locked and on is not (version in GATES[name].on):
            raise UsageError(
                f"cannot set feature gate {name} to {str(on).lower()}, "
                f"feature is locked to {str(not on).lower()} in v{version}"
            )
        (gates.add if on else gates.discard)(name)
    return Release(version, frozenset(gates))


def _listed(names: Iterable[str]) -> str:
    return " or ".join(names)


DEFAULT = release_of()
"""The newest version with its default gates."""
