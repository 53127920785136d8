"""The pools of devices that a node can draw on, from the ResourceSlices that drivers publish."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.model.labels import Json, node_selector_matches
from tests.model.snapshot import NodeInfo
from tests.model.versions import DeviceFeatures

PoolKey = tuple[str, str]
DeviceKey = tuple[str, str, str]


@dataclass(frozen=True)
class Device:
    """A device of a slice: `driver/pool/name`."""

    key: DeviceKey
    spec: Json
    slice: Json
    pool: "Pool"

    def __str__(self) -> str:
        return "/".join(self.key)

    @property
    def driver(self) -> str:
        return self.key[0]


@dataclass
class Pool:
    """One pool as one node sees it. Devices of an incomplete or invalid pool are not given away."""

    key: PoolKey
    incomplete: bool = False
    invalid: bool = False
    devices: list[Device] = field(default_factory=list)
    elsewhere: list[Device] = field(default_factory=list)
    """Devices of the pool that the node cannot have, which draw on the same counters."""
    counter_sets: dict[str, Json] = field(default_factory=dict)

    def __str__(self) -> str:
        return "/".join(self.key)


def node_matches(choice: Json, info: NodeInfo) -> bool:
    """`nodeName`, `allNodes` or `nodeSelector`, of a slice or of a device; without any of them no node does."""
    if choice.get("nodeName"):
        return bool(choice["nodeName"] == info.name)
    if choice.get("allNodes"):
        return True
    selector = choice.get("nodeSelector")
    return selector is not None and node_selector_matches(selector, info.labels, info.name)


def pools_for(slices: Iterable[Json], info: NodeInfo, features: DeviceFeatures) -> list[Pool]:
    """The node's pools by driver and name; those with devices that need binding conditions come last."""
    everything = list(slices)
    relevant: dict[PoolKey, list[Json]] = {}
    for each in _own_first(everything, info):
        if (features.partitionable or not _needs_partitioning(each)) and _is_relevant(each["spec"], info):
            _add(relevant, each)
    pools = []
    for key, found in sorted(relevant.items()):
        pool = _pool(key, found, everything, features)
        if pool is not None:
            pools.append(pool)
    return sorted(pools, key=_has_binding_conditions)


def _needs_partitioning(each: Json) -> bool:
    return each["spec"].get("perDeviceNodeSelection") is not None or bool(each["spec"].get("sharedCounters"))


def _own_first(slices: list[Json], info: NodeInfo) -> list[Json]:
    """The node's own slices, then those that several nodes may look at."""
    own, shared = [], []
    for each in slices:
        spec = each["spec"]
        if not spec.get("nodeName") or spec.get("sharedCounters"):
            shared.append(each)
        elif spec["nodeName"] == info.name:
            own.append(each)
    return own + shared


def _is_relevant(spec: Json, info: NodeInfo) -> bool:
    """Counters are needed whatever nodes their slice names."""
    if spec.get("sharedCounters"):
        return True
    if spec.get("nodeName") or spec.get("allNodes") or spec.get("nodeSelector") is not None:
        return node_matches(spec, info)
    if spec.get("perDeviceNodeSelection"):
        return any(node_matches(device, info) for device in spec.get("devices") or [])
    return False


def _add(pools: dict[PoolKey, list[Json]], each: Json) -> None:
    """Only the newest generation of a pool counts."""
    key = (each["spec"]["driver"], each["spec"]["pool"]["name"])
    found = pools.get(key)
    if not found or _generation(each) > _generation(found[0]):
        pools[key] = [each]
    elif _generation(each) == _generation(found[0]):
        found.append(each)


def _generation(each: Json) -> int:
    return int(each["spec"]["pool"].get("generation") or 0)


def _pool(key: PoolKey, found: list[Json], everything: list[Json], features: DeviceFeatures) -> Pool | None:
    """None when a newer generation exists that has nothing for this node."""
    expected = found[0]["spec"]["pool"].get("resourceSliceCount") or 0
    if len(found) == expected:
        return _complete(key, found, found, features)
    generation = _generation(found[0])
    whole = [s for s in everything if (s["spec"]["driver"], s["spec"]["pool"]["name"]) == key]
    if any(_generation(each) > generation for each in whole):
        return None
    whole = [each for each in whole if _generation(each) == generation]
    if len(whole) != expected:
        return Pool(key, incomplete=True)
    return _complete(key, found, whole, features)


def _complete(key: PoolKey, found: list[Json], whole: list[Json], features: DeviceFeatures) -> Pool:
    """A pool of all its slices, in the order of their names, unless they contradict each other."""
    found = sorted(found, key=lambda each: str(each["metadata"]["name"]))
    pool = Pool(key)
    names = {each["metadata"]["name"] for each in found}
    others = [each for each in whole if each["metadata"]["name"] not in names]
    counters = [c for each in found for c in each["spec"].get("sharedCounters") or []]
    pool.counter_sets = {each["name"]: each for each in counters}
    pool.devices = [
        d for each in found if not each["spec"].get("sharedCounters") for d in _devices(each, pool)
    ]
    pool.elsewhere = [device for each in others for device in _devices(each, pool)]
    in_pool = [device for each in found for device in _devices(each, pool)]
    unique = len({device.key for device in pool.devices}) == len(pool.devices)
    counted = len(pool.counter_sets) == len(counters) and all(
        _consumes_what_exists(device, pool) for device in [*in_pool, *pool.elsewhere]
    )
    sound = unique and (counted or not features.partitionable)
    return pool if sound else Pool(key, invalid=True)


def _devices(each: Json, pool: Pool) -> list[Device]:
    return [Device((*pool.key, d["name"]), d, each, pool) for d in each["spec"].get("devices") or []]


def _consumes_what_exists(device: Device, pool: Pool) -> bool:
    for consumption in device.spec.get("consumesCounters") or []:
        counters = (pool.counter_sets.get(consumption["counterSet"]) or {}).get("counters")
        if counters is None or any(name not in counters for name in consumption.get("counters") or {}):
            return False
    return True


def _has_binding_conditions(pool: Pool) -> bool:
    return any(device.spec.get("bindingConditions") is not None for device in pool.devices)
