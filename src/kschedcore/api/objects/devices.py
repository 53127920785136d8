"""resource.k8s.io/v1: published devices, and pods' claims (KEP-4381)."""

from __future__ import annotations

import msgspec

from kschedcore.api.objects.affinity import NodeSelector
from kschedcore.api.objects.meta import Int64, ObjectMeta, Quantity, View
from kschedcore.api.objects.nodes import Taint
from kschedcore.api.objects.pods import PodCondition, Toleration


class DeviceAttribute(View, frozen=True):
    """resource.DeviceAttribute: one of the values."""

    int_value: Int64 | None = msgspec.field(default=None, name="int")
    bool_value: bool | None = msgspec.field(default=None, name="bool")
    string_value: str | None = msgspec.field(default=None, name="string")
    version_value: str | None = msgspec.field(default=None, name="version")


class CapacityRange(View, frozen=True):
    """resource.CapacityRequestPolicyRange."""

    min: Quantity | None = None
    max: Quantity | None = None
    step: Quantity | None = None


class CapacityRequestPolicy(View, frozen=True):
    """resource.CapacityRequestPolicy (KEP-5075)."""

    default: Quantity | None = None
    valid_values: tuple[Quantity, ...] | None = None
    valid_range: CapacityRange | None = None


class DeviceCapacity(View, frozen=True):
    """resource.DeviceCapacity."""

    value: Quantity
    request_policy: CapacityRequestPolicy | None = None


class Counter(View, frozen=True):
    """resource.Counter."""

    value: Quantity


class CounterConsumption(View, frozen=True):
    """resource.DeviceCounterConsumption: what a device consumes of a counter set of its pool (KEP-4815)."""

    counter_set: str = ""
    counters: dict[str, Counter] | None = None


class CounterSet(View, frozen=True):
    """resource.CounterSet."""

    name: str = ""
    counters: dict[str, Counter] | None = None


class Device(View, frozen=True):
    """resource.Device."""

    name: str = ""
    attributes: dict[str, DeviceAttribute] | None = None
    capacity: dict[str, DeviceCapacity] | None = None
    consumes_counters: tuple[CounterConsumption, ...] | None = None
    node_name: str | None = None
    node_selector: NodeSelector | None = None
    all_nodes: bool | None = None
    taints: tuple[Taint, ...] | None = None
    binds_to_node: bool | None = None
    binding_conditions: tuple[str, ...] | None = None
    binding_failure_conditions: tuple[str, ...] | None = None
    allow_multiple_allocations: bool | None = None


class ResourcePool(View, frozen=True):
    """resource.ResourcePool."""

    name: str = ""
    generation: Int64 = 0
    resource_slice_count: Int64 = 0


class ResourceSliceSpec(View, frozen=True):
    """resource.ResourceSliceSpec."""

    driver: str = ""
    pool: ResourcePool = ResourcePool()
    node_name: str | None = None
    node_selector: NodeSelector | None = None
    all_nodes: bool | None = None
    per_device_node_selection: bool | None = None
    devices: tuple[Device, ...] | None = None
    shared_counters: tuple[CounterSet, ...] | None = None


class ResourceSlice(View, frozen=True):
    """resource.ResourceSlice: published devices of a pool."""

    metadata: ObjectMeta
    spec: ResourceSliceSpec = ResourceSliceSpec()


class CELDeviceSelector(View, frozen=True):
    """resource.CELDeviceSelector."""

    expression: str = ""


class DeviceSelector(View, frozen=True):
    """resource.DeviceSelector."""

    cel: CELDeviceSelector | None = None


class DeviceClassSpec(View, frozen=True):
    """resource.DeviceClassSpec."""

    selectors: tuple[DeviceSelector, ...] | None = None
    extended_resource_name: str | None = None


class DeviceClass(View, frozen=True):
    """resource.DeviceClass."""

    metadata: ObjectMeta
    spec: DeviceClassSpec = DeviceClassSpec()


class CapacityRequirements(View, frozen=True):
    """resource.CapacityRequirements."""

    requests: dict[str, Quantity] | None = None


class ExactDeviceRequest(View, frozen=True):
    """resource.ExactDeviceRequest, and resource.DeviceSubRequest, which has a name and no admin access."""

    name: str = ""
    device_class_name: str = ""
    selectors: tuple[DeviceSelector, ...] | None = None
    allocation_mode: str | None = None
    count: Int64 | None = None
    admin_access: bool | None = None
    tolerations: tuple[Toleration, ...] | None = None
    capacity: CapacityRequirements | None = None


class DeviceRequest(View, frozen=True):
    """resource.DeviceRequest."""

    name: str = ""
    exactly: ExactDeviceRequest | None = None
    first_available: tuple[ExactDeviceRequest, ...] | None = None


class DeviceConstraint(View, frozen=True):
    """resource.DeviceConstraint."""

    requests: tuple[str, ...] | None = None
    match_attribute: str | None = None
    distinct_attribute: str | None = None


class DeviceClaim(View, frozen=True):
    """resource.DeviceClaim."""

    requests: tuple[DeviceRequest, ...] | None = None
    constraints: tuple[DeviceConstraint, ...] | None = None


class ResourceClaimSpec(View, frozen=True):
    """resource.ResourceClaimSpec."""

    devices: DeviceClaim = DeviceClaim()


class DeviceAllocation(View, frozen=True):
    """resource.DeviceRequestAllocationResult: a device allocated for a request."""

    request: str = ""
    driver: str = ""
    pool: str = ""
    device: str = ""
    admin_access: bool | None = None
    tolerations: tuple[Toleration, ...] | None = None
    binding_conditions: tuple[str, ...] | None = None
    binding_failure_conditions: tuple[str, ...] | None = None
    share_id: str | None = msgspec.field(default=None, name="shareID")
    consumed_capacity: dict[str, Quantity] | None = None


class DeviceAllocations(View, frozen=True):
    """resource.DeviceAllocationResult."""

    results: tuple[DeviceAllocation, ...] | None = None


class AllocationResult(View, frozen=True):
    """resource.AllocationResult."""

    devices: DeviceAllocations = DeviceAllocations()
    node_selector: NodeSelector | None = None
    allocation_timestamp: str | None = None


class ClaimConsumer(View, frozen=True):
    """resource.ResourceClaimConsumerReference."""

    api_group: str | None = None
    resource: str = ""
    name: str = ""
    uid: str = ""


class AllocatedDeviceStatus(View, frozen=True):
    """resource.AllocatedDeviceStatus: a driver's status of an allocated device."""

    driver: str = ""
    pool: str = ""
    device: str = ""
    conditions: tuple[PodCondition, ...] | None = None


class ResourceClaimStatus(View, frozen=True):
    """resource.ResourceClaimStatus."""

    allocation: AllocationResult | None = None
    reserved_for: tuple[ClaimConsumer, ...] | None = None
    devices: tuple[AllocatedDeviceStatus, ...] | None = None


class ResourceClaim(View, frozen=True):
    """resource.ResourceClaim."""

    metadata: ObjectMeta
    spec: ResourceClaimSpec = ResourceClaimSpec()
    status: ResourceClaimStatus = ResourceClaimStatus()


class ResourceClaimTemplateSpec(View, frozen=True):
    """resource.ResourceClaimTemplateSpec."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ResourceClaimSpec = ResourceClaimSpec()


class ResourceClaimTemplate(View, frozen=True):
    """resource.ResourceClaimTemplate."""

    metadata: ObjectMeta
    spec: ResourceClaimTemplateSpec = ResourceClaimTemplateSpec()
