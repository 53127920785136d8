"""What always holds of a cluster, whatever happens to it: one class an invariant."""

from __future__ import annotations

from kschedcore.chaos.invariants.automation import AutoscalersStayWithinBounds, CronJobsForbidWhatTheySay
from kschedcore.chaos.invariants.base import Invariant
from kschedcore.chaos.invariants.ownership import (
    NothingEndsForEver,
    OwnedObjectsGo,
    OwnedObjectsStay,
    ReplicaSetsHaveTheirPods,
)
from kschedcore.chaos.invariants.placement import (
    AllPendingPodsAreQueued,
    EngineEqualsStore,
    NobodyWaitsInVain,
    NoNodeIsOvercommitted,
    NothingIsKeptForThoseGone,
    PodsAreBoundOnce,
)
from kschedcore.chaos.invariants.promises import (
    AvailabilityIsKept,
    BudgetsAreRespected,
    QuotasAreKept,
    QuotasCountWhatIsThere,
)
from kschedcore.chaos.invariants.running import (
    AddressesAreUnique,
    EndedPodsStayEnded,
    JobsFinishOnce,
    OneDaemonANode,
    ServicesFindReadyPods,
)
from kschedcore.chaos.invariants.views import ReplaysEqualStore, ViewsEqualStore

__all__ = [
    "INVARIANTS",
    "AddressesAreUnique",
    "AllPendingPodsAreQueued",
    "AutoscalersStayWithinBounds",
    "AvailabilityIsKept",
    "BudgetsAreRespected",
    "CronJobsForbidWhatTheySay",
    "EndedPodsStayEnded",
    "EngineEqualsStore",
    "Invariant",
    "JobsFinishOnce",
    "NoNodeIsOvercommitted",
    "NobodyWaitsInVain",
    "NothingEndsForEver",
    "NothingIsKeptForThoseGone",
    "OneDaemonANode",
    "OwnedObjectsGo",
    "OwnedObjectsStay",
    "PodsAreBoundOnce",
    "QuotasAreKept",
    "QuotasCountWhatIsThere",
    "ReplaysEqualStore",
    "ReplicaSetsHaveTheirPods",
    "ServicesFindReadyPods",
    "ViewsEqualStore",
]

INVARIANTS: tuple[type[Invariant], ...] = (
    NoNodeIsOvercommitted,
    PodsAreBoundOnce,
    EngineEqualsStore,
    NothingIsKeptForThoseGone,
    AllPendingPodsAreQueued,
    QuotasAreKept,
    BudgetsAreRespected,
    AvailabilityIsKept,
    OwnedObjectsStay,
    EndedPodsStayEnded,
    AddressesAreUnique,
    JobsFinishOnce,
    CronJobsForbidWhatTheySay,
    AutoscalersStayWithinBounds,
    ReplaysEqualStore,
    ViewsEqualStore,
    NobodyWaitsInVain,
    QuotasCountWhatIsThere,
    OwnedObjectsGo,
    NothingEndsForEver,
    ReplicaSetsHaveTheirPods,
    OneDaemonANode,
    ServicesFindReadyPods,
)
"""Every invariant, those that look at single writes first."""
