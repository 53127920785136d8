"""The devices that ResourceSlices publish, by pool, and the pools available to each node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from kschedcore._native.selectors import NodeSelector as CompiledSelector
from kschedcore.api.objects.affinity import NodeSelector
from kschedcore.api.objects.devices import Device as DeviceSpec
from kschedcore.api.objects.devices import ResourceSlice, ResourceSliceSpec
from kschedcore.api.quantity import nanos
from kschedcore.api.taints import HARD_EFFECTS
from kschedcore.engine.columns.selectors import node_terms
from kschedcore.engine.devices.features import DeviceFeatures
from kschedcore.engine.devices.selection import Appearance, Appearances

if TYPE_CHECKING:
    from kschedcore._native.nodes import NodeTable

__all__ = ["Device", "DeviceKey", "Inventory", "NodeView", "PoolKey", "PoolView", "pool_of"]

PoolKey = tuple[str, str]
"""(driver, pool name)."""

DeviceKey = tuple[str, str, str]
"""(driver, pool name, device name)."""

CounterKey = tuple[str, str]
"""(counter set, counter)."""


class Device:
    """A published device.

    Attributes:
        key: Driver, pool and name.
        spec: The device as published.
        slice: The slice that publishes it.
        shared: Whether several claims may use it at once (``allowMultipleAllocations``).
        draws: What it consumes of the counters of its pool, in billionths.
        taints: Its taints with effect NoSchedule or NoExecute.
        has_policy: Whether a capacity has a request policy.
    """

    __slots__ = (
        "_appearance",
        "_appearances",
        "draws",
        "has_policy",
        "key",
        "shared",
        "slice",
        "spec",
        "taints",
    )

    def __init__(self, spec: DeviceSpec, published: ResourceSlice, appearances: Appearances) -> None:
        driver = published.spec.driver
        self.key: DeviceKey = (driver, published.spec.pool.name, spec.name)
        self.spec = spec
        self.slice = published
        self._appearances = appearances
        self._appearance: Appearance | None = None
        self.shared = bool(spec.allow_multiple_allocations)
        self.draws = _draws_of(spec) if spec.consumes_counters else ()
        self.taints = (
            tuple(taint for taint in spec.taints if taint.effect in HARD_EFFECTS) if spec.taints else ()
        )
        self.has_policy = spec.capacity is not None and any(
            each.request_policy is not None for each in spec.capacity.values()
        )

    @property
    def appearance(self) -> Appearance:
        """The fields that selectors read; those of most devices of a large cluster are never read."""
        found = self._appearance
        if found is None:
            found = self._appearance = self._appearances.of(self.key[0], self.spec)
        return found

    @property
    def pool(self) -> PoolKey:
        """The pool's key."""
        return self.key[:2]

    def __str__(self) -> str:
        return "/".join(self.key)


def _draws_of(spec: DeviceSpec) -> tuple[tuple[CounterKey, int], ...]:
    return tuple(
        ((each.counter_set, name), nanos(counter.value))
        for each in spec.consumes_counters or ()
        for name, counter in (each.counters or {}).items()
    )


class PoolView:
    """A pool as available to some nodes: the slices of its newest generation for these nodes.

    Attributes:
        key: Driver and name.
        state: Empty, or why none of its devices is allocated: ``being updated`` or ``invalid``.
        devices: The devices available to these nodes, in order.
        counters: The values of its counter sets, in billionths.
        drawing: All devices of the pool that consume counters, those of other nodes included.
        waits: Whether a device has binding conditions; such pools come last.
    """

    __slots__ = ("counters", "devices", "drawing", "key", "state", "waits")

    def __init__(self, key: PoolKey, state: str = "") -> None:
        self.key = key
        self.state = state
        self.devices: tuple[Device, ...] = ()
        self.counters: dict[CounterKey, int] = {}
        self.drawing: tuple[Device, ...] = ()
        self.waits = False

    def __str__(self) -> str:
        return "/".join(self.key)


class NodeView(NamedTuple):
    """The pools and devices available to one node.

    Attributes:
        pools: The pools in the order of the allocator; pools without devices are left out unless their state matters.
        devices: The devices of usable pools, in order.
        out_of_reach: The devices that are only available to other nodes (``perDeviceNodeSelection``).
        invalid: Whether a pool is invalid.
    """

    pools: tuple[PoolView, ...]
    devices: tuple[Device, ...]
    out_of_reach: frozenset[Device]
    invalid: bool

    def pool_of(self, device: Device) -> PoolView:
        """Return the pool of a device."""
        return next(pool for pool in self.pools if pool.key == device.pool)


class Inventory:
    """All ResourceSlices.

    Args:
        nodes: The node table.
        slices: Returns the slices of the cluster, in the order in which they were added.
    """

    def __init__(self, nodes: NodeTable, slices: Callable[[], Iterable[ResourceSlice]]) -> None:
        self._nodes = nodes
        self._slices = slices
        self._appearances = Appearances()
        self._devices: dict[str, tuple[ResourceSlice, tuple[Device, ...]]] = {}
        self._selectors: dict[int, tuple[NodeSelector, CompiledSelector]] = {}
        self._indexed = False
        self._own: dict[str, list[ResourceSlice]] = {}
        self._common: list[tuple[int, ResourceSlice]] = []
        self._counting: dict[PoolKey, list[tuple[int, ResourceSlice]]] = {}
        self._pools: dict[PoolKey, list[ResourceSlice]] = {}
        self._views: dict[tuple[int, ...], PoolView | None] = {}
        self._of_nodes: dict[DeviceFeatures, dict[int, NodeView]] = {}
        self._elsewhere: dict[DeviceFeatures, dict[PoolKey, PoolView]] = {}

    def changed(self, old: ResourceSlice | None, new: ResourceSlice | None) -> None:
        """Update the inventory for a slice that was added, removed or changed."""
        if old is not None and (new is None or new.metadata.name != old.metadata.name):
            self._devices.pop(old.metadata.name, None)
        self._indexed = False

    def forget_node(self, slot: int) -> None:
        """Drop the view of the node in a slot, since the node or its labels changed."""
        for views in self._of_nodes.values():
            views.pop(slot, None)

    def devices(self) -> Iterator[Device]:
        """Iterate over all published devices, by driver, pool, slice and in the order published."""
        self._index()
        for key in sorted(self._pools):
            for each in sorted(self._pools[key], key=lambda item: item.metadata.name):
                yield from self._devices_of(each)

    def nodes_of(self, pool: PoolKey) -> frozenset[str] | None:
        """Return the names of the nodes whose devices may depend on a pool; None: any may."""
        self._index()
        found = {each.spec.node_name for each in self._pools.get(pool, ())}
        return None if None in found or "" in found else frozenset(name for name in found if name)

    def _index(self) -> None:
        if self._indexed:
            return
        self._own, self._common, self._counting, self._pools = {}, [], {}, {}
        self._views.clear()
        self._of_nodes.clear()
        self._elsewhere.clear()
        self._selectors.clear()
        self._appearances.clear()
        for place, each in enumerate(self._slices()):
            self._pools.setdefault(pool_of(each), []).append(each)
            if each.spec.shared_counters:
                self._counting.setdefault(pool_of(each), []).append((place, each))
            elif each.spec.node_name:
                self._own.setdefault(each.spec.node_name, []).append(each)
            else:
                self._common.append((place, each))
        self._indexed = True

    def _devices_of(self, published: ResourceSlice) -> tuple[Device, ...]:
        found = self._devices.get(published.metadata.name)
        if found is None or found[0] is not published:
            devices = tuple(
                Device(each, published, self._appearances) for each in published.spec.devices or ()
            )
            found = self._devices[published.metadata.name] = published, devices
        return found[1]

    # -- nodes ------------------------------------------------------------------------------------

    def of_node(self, slot: int, features: DeviceFeatures) -> NodeView:
        """Return the pools available to the node in a slot (``GatherPools``)."""
        self._index()
        views = self._of_nodes.setdefault(features, {})
        found = views.get(slot)
        if found is None:
            found = views[slot] = self._gather(slot, features)
        return found

    def _gather(self, slot: int, features: DeviceFeatures) -> NodeView:
        name = self._nodes.name_of(slot)
        own = [
            each
            for each in self._own.get(name, ())
            if features.partitionable or not _is_partitioned(each.spec)
        ]
        common = [
            (place, each)
            for place, each in self._common
            if (features.partitionable or not _is_partitioned(each.spec)) and self._concerns(each, slot, name)
        ]
        keys = {pool_of(each) for each in (*own, *(each for _, each in common))}
        if self._counting and features.partitionable:
            # Slices with counters concern every node; see also _unusable.
            common += [entry for key in keys for entry in self._counting.get(key, ())]
            common.sort(key=itemgetter(0))
        newest: dict[PoolKey, list[ResourceSlice]] = {}
        for each in (*own, *(each for _, each in common)):
            _keep_newest(newest, each)
        pools = {key: self._view(key, found, features) for key, found in newest.items()}
        pools |= {key: pool for key, pool in self._unusable(features).items() if key not in keys}
        usable = sorted((pool for pool in pools.values() if pool is not None), key=lambda pool: pool.key)
        usable.sort(key=lambda pool: pool.waits)
        devices = tuple(device for pool in usable for device in pool.devices)
        out_of_reach = frozenset(
            device
            for device in devices
            if device.slice.spec.per_device_node_selection and not self._reaches(device.spec, slot, name)
        )
        return NodeView(tuple(usable), devices, out_of_reach, any(p.state == "invalid" for p in usable))

    def _unusable(self, features: DeviceFeatures) -> dict[PoolKey, PoolView]:
        """Return the pools with counters that are incomplete or invalid for nodes that have no device of them."""
        found = self._elsewhere.get(features)
        if found is None:
            newest: dict[PoolKey, list[ResourceSlice]] = {}
            for entries in self._counting.values() if features.partitionable else ():
                for _, each in entries:
                    _keep_newest(newest, each)
            views = {key: self._view(key, slices, features) for key, slices in newest.items()}
            found = {key: pool for key, pool in views.items() if pool is not None and pool.state}
            self._elsewhere[features] = found
        return found

    def _concerns(self, published: ResourceSlice, slot: int, name: str) -> bool:
        """Return whether a slice without counters is for a node."""
        spec = published.spec
        if spec.node_name or spec.all_nodes or spec.node_selector is not None:
            return self._reaches(spec, slot, name)
        if spec.per_device_node_selection:
            return any(self._reaches(device, slot, name) for device in spec.devices or ())
        return False

    def _reaches(self, choice: ResourceSliceSpec | DeviceSpec, slot: int, name: str) -> bool:
        """Return whether ``nodeName``, ``allNodes`` or ``nodeSelector`` selects a node."""
        if choice.node_name:
            return choice.node_name == name
        if choice.all_nodes:
            return True
        return choice.node_selector is not None and self._selects(choice.node_selector, slot)

    def _selects(self, selector: NodeSelector, slot: int) -> bool:
        found = self._selectors.get(id(selector))
        if found is None:
            found = self._selectors[id(selector)] = (
                selector,
                CompiledSelector(self._nodes, node_terms(selector)),
            )
        return bool(found[1].match(slot))

    # -- pools ------------------------------------------------------------------------------------

    def _view(self, key: PoolKey, found: list[ResourceSlice], features: DeviceFeatures) -> PoolView | None:
        """Return the pool of some slices; None when a newer generation exists for other nodes."""
        name = (*map(id, found), int(features.partitionable))
        if name not in self._views:
            self._views[name] = self._assembled(key, found, features)
        return self._views[name]

    def _assembled(
        self, key: PoolKey, found: list[ResourceSlice], features: DeviceFeatures
    ) -> PoolView | None:
        pool = found[0].spec.pool
        everything = found
        if len(found) != pool.resource_slice_count:
            everything = self._pools[key]
            if any(each.spec.pool.generation > pool.generation for each in everything):
                return None
            everything = [each for each in everything if each.spec.pool.generation == pool.generation]
            if len(everything) != pool.resource_slice_count:
                return PoolView(key, "being updated")
        return self._complete(key, found, everything, features)

    def _complete(
        self,
        key: PoolKey,
        found: list[ResourceSlice],
        everything: list[ResourceSlice],
        features: DeviceFeatures,
    ) -> PoolView:
        """Return a pool that has all its slices, invalid when these contradict each other."""
        view = PoolView(key)
        names = {each.metadata.name for each in found}
        in_order = sorted(found, key=lambda each: each.metadata.name)
        sets = [each for item in in_order for each in item.spec.shared_counters or ()]
        view.counters = {
            (each.name, name): nanos(counter.value)
            for each in sets
            for name, counter in (each.counters or {}).items()
        }
        view.devices = tuple(
            device for each in in_order if not each.spec.shared_counters for device in self._devices_of(each)
        )
        others = [
            device
            for each in everything
            if each.metadata.name not in names
            for device in self._devices_of(each)
        ]
        view.drawing = tuple(device for device in (*view.devices, *others) if device.draws)
        view.waits = any(device.spec.binding_conditions is not None for device in view.devices)
        duplicates = len({device.key for device in view.devices}) < len(view.devices)
        known_sets = {each.name: each.counters or {} for each in sets}
        published = [device for each in in_order for device in self._devices_of(each)]
        sound = len(known_sets) == len(sets) and all(
            each.counter_set in known_sets
            and (each.counters or {}).keys() <= known_sets[each.counter_set].keys()
            for device in (*published, *others)
            for each in device.spec.consumes_counters or ()
        )
        if duplicates or (features.partitionable and not sound):
            return PoolView(key, "invalid")
        return view


def pool_of(each: ResourceSlice) -> PoolKey:
    """Return the key of a slice's pool."""
    return each.spec.driver, each.spec.pool.name


def _is_partitioned(spec: ResourceSliceSpec) -> bool:
    return spec.per_device_node_selection is not None or bool(spec.shared_counters)


def _keep_newest(pools: dict[PoolKey, list[ResourceSlice]], each: ResourceSlice) -> None:
    """Add a slice to its pool, of which only the newest generation is kept."""
    key = pool_of(each)
    found = pools.get(key)
    if not found or each.spec.pool.generation > found[0].spec.pool.generation:
        pools[key] = [each]
    elif each.spec.pool.generation == found[0].spec.pool.generation:
        found.append(each)
