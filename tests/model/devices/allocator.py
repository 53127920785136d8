"""The allocator: claims of a pod against the devices of a cluster, node by node."""

from collections.abc import Mapping

from tests.model.devices.counters import AvailableCounters
from tests.model.devices.in_use import InUse
from tests.model.devices.plans import AllocationError, Planner
from tests.model.devices.pools import pools_for
from tests.model.devices.results import allocation
from tests.model.devices.search import Search, TooManyDevicesError
from tests.model.labels import Json
from tests.model.snapshot import NodeInfo
from tests.model.versions import DeviceFeatures


class InvalidPoolsError(Exception):
    """Nothing could be allocated, and some pools of the node are invalid."""


class Allocator:
    """The devices of a cluster at the start of a pod's cycle."""

    def __init__(
        self, slices: list[Json], classes: Mapping[str, Json], held: InUse, features: DeviceFeatures
    ) -> None:
        self.slices = slices
        self.classes = classes
        self.held = held
        self.features = features
        self._available = AvailableCounters(held)

    def allocate(self, claims: list[Json], info: NodeInfo) -> list[Json] | None:
        """An allocation for each claim; None when there is no solution on the node.

        Raises AllocationError and InvalidPoolsError.
        """
        pools = pools_for(self.slices, info, self.features)
        planner = Planner(claims, self.classes, pools, info, self.held, self.features)
        search = Search(planner, [planner.plans(index) for index in range(len(claims))], self._available)
        try:
            solved = search.next_request(0, 0)
        except TooManyDevicesError as error:
            raise AllocationError(str(error)) from None
        if not solved:
            if any(pool.invalid for pool in pools):
                raise InvalidPoolsError("invalid resource pools were encountered")
            return None
        return [allocation(results, info.name) for results in search.results]
