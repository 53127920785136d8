"""What always holds of a cluster, whatever happens to it: one class an invariant."""

from __future__ import annotations

from kschedcore.testing.invariants.automation import AutoscalersStayWithinBounds, CronJobsForbidWhatTheySay
from kschedcore.testing.invariants.base import Invariant
from kschedcore.testing.invariants.ownership import (
    NothingEndsForEver,
    OwnedObjectsGo,
    OwnedObjectsStay,
    ReplicaSetsHaveTheirPods,
)
from kschedcore.testing.invariants.placement import (
    AllPendingPodsAreQueued,
    EngineEqualsStore,
    NobodyWaitsInVain,
    NoNodeIsOvercommitted,
    NothingIsKeptForThoseGone,
    PodsAreBoundOnce,
)
from kschedcore.testing.invariants.promises import (
    AvailabilityIsKept,
    BudgetsAreRespected,
    QuotasAreKept,
    QuotasCountWhatIsThere,
)
from kschedcore.testing.invariants.running import (
    AddressesAreUnique,
    EndedPodsStayEnded,
    JobsFinishOnce,
    OneDaemonANode,
    ServicesFindReadyPods,
)
from kschedcore.testing.invariants.views import ReplaysEqualStore, ViewsEqualStore

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
