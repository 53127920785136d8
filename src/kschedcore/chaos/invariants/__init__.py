"""Invariants of a cluster that hold under any sequence of requests and faults, one class each."""

from __future__ import annotations

from kschedcore.chaos.invariants.automation import (
    AutoscalersStayWithinBounds,
    CronJobsRespectConcurrencyPolicy,
)
from kschedcore.chaos.invariants.base import Invariant
from kschedcore.chaos.invariants.limits import (
    AvailabilityIsKept,
    BudgetsAreRespected,
    QuotasAreEnforced,
    QuotaStatusEqualsUsage,
)
from kschedcore.chaos.invariants.ownership import (
    DeletionsComplete,
    OrphansAreCollected,
    OwnedObjectsAreKept,
    ReplicaSetsHaveAllPods,
)
from kschedcore.chaos.invariants.pods import (
    AddressesAreUnique,
    EndpointsMatchReadyPods,
    FinishedPodsStayFinished,
    JobsCountSuccessesOnce,
    OneDaemonPodPerNode,
)
from kschedcore.chaos.invariants.scheduling import (
    AllPendingPodsAreQueued,
    EngineEqualsStore,
    NoNodeIsOvercommitted,
    NoPendingPodWouldFit,
    PodsAreBoundOnce,
    QueueHoldsOnlyWaitingPods,
)
from kschedcore.chaos.invariants.watches import (
    InformersEqualStore,
    ListenersReceiveEveryObject,
    WriteLogEqualsStore,
)

__all__ = [
    "INVARIANTS",
    "AddressesAreUnique",
    "AllPendingPodsAreQueued",
    "AutoscalersStayWithinBounds",
    "AvailabilityIsKept",
    "BudgetsAreRespected",
    "CronJobsRespectConcurrencyPolicy",
    "DeletionsComplete",
    "EndpointsMatchReadyPods",
    "EngineEqualsStore",
    "FinishedPodsStayFinished",
    "InformersEqualStore",
    "Invariant",
    "JobsCountSuccessesOnce",
    "ListenersReceiveEveryObject",
    "NoNodeIsOvercommitted",
    "NoPendingPodWouldFit",
    "OneDaemonPodPerNode",
    "OrphansAreCollected",
    "OwnedObjectsAreKept",
    "PodsAreBoundOnce",
    "QueueHoldsOnlyWaitingPods",
    "QuotaStatusEqualsUsage",
    "QuotasAreEnforced",
    "ReplicaSetsHaveAllPods",
    "WriteLogEqualsStore",
]

INVARIANTS: tuple[type[Invariant], ...] = (
    NoNodeIsOvercommitted,
    PodsAreBoundOnce,
    EngineEqualsStore,
    QueueHoldsOnlyWaitingPods,
    AllPendingPodsAreQueued,
    QuotasAreEnforced,
    BudgetsAreRespected,
    AvailabilityIsKept,
    OwnedObjectsAreKept,
    FinishedPodsStayFinished,
    AddressesAreUnique,
    JobsCountSuccessesOnce,
    CronJobsRespectConcurrencyPolicy,
    AutoscalersStayWithinBounds,
    WriteLogEqualsStore,
    InformersEqualStore,
    ListenersReceiveEveryObject,
    NoPendingPodWouldFit,
    QuotaStatusEqualsUsage,
    OrphansAreCollected,
    DeletionsComplete,
    ReplicaSetsHaveAllPods,
    OneDaemonPodPerNode,
    EndpointsMatchReadyPods,
)
"""All invariants; those that check single writes come first."""
