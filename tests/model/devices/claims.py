"""The ResourceClaims of a pod: finding them, and who may use and who has reserved them."""

from tests.model.labels import Json
from tests.model.snapshot import Objects, full_name, key_of, namespace_of

MOST_RESULTS = 32
"""AllocationResultsMaxSize: the devices that one claim can hold."""


class ClaimError(Exception):
    """A pod's claims cannot be used yet; the message is Kubernetes' own."""


def claims_of(pod: Json, objects: Objects) -> list[Json]:
    """The claims that `spec.resourceClaims` names, in that order; an entry for which none is needed has none.

    Raises ClaimError.
    """
    found = []
    for reference in pod["spec"].get("resourceClaims") or []:
        name, made_for_pod = _claim_name(pod, reference)
        if name is None:
            continue
        claim = objects.resource_claims.get((namespace_of(pod), name))
        if claim is None:
            raise ClaimError(f'could not find ResourceClaim "{namespace_of(pod)}/{name}"')
        if claim["metadata"].get("deletionTimestamp"):
            raise ClaimError(f'resourceclaim "{name}" is being deleted')
        if made_for_pod and not is_controlled_by(claim, pod):
            raise ClaimError(
                f"ResourceClaim {full_name(claim)} was not created for Pod {full_name(pod)} (Pod is not owner)"
            )
        found.append(claim)
    return found


def _claim_name(pod: Json, reference: Json) -> tuple[str | None, bool]:
    """The claim's name, None when the template gave rise to none, and whether the pod must own it."""
    if reference.get("resourceClaimName") is not None:
        return reference["resourceClaimName"], False
    if reference.get("resourceClaimTemplateName") is None:
        raise ClaimError(
            f'pod "{full_name(pod)}", spec.resourceClaim "{reference["name"]}": '
            "none of the supported fields are set"
        )
    for status in (pod.get("status") or {}).get("resourceClaimStatuses") or []:
        if status["name"] == reference["name"]:
            return status.get("resourceClaimName"), True
    raise ClaimError(f'pod "{full_name(pod)}": ResourceClaim not created yet')


def uid_of(obj: Json) -> str:
    return obj["metadata"].get("uid") or ""


def is_controlled_by(claim: Json, pod: Json) -> bool:
    owners = claim["metadata"].get("ownerReferences") or []
    return any(owner.get("controller") and (owner.get("uid") or "") == uid_of(pod) for owner in owners)


def allocation_of(claim: Json) -> Json | None:
    """`status.allocation`, None while nothing is allocated."""
    allocation: Json | None = (claim.get("status") or {}).get("allocation")
    return allocation


def results_of(claim: Json) -> list[Json]:
    """The devices that are allocated."""
    return list(((allocation_of(claim) or {}).get("devices") or {}).get("results") or [])


def reservations(claim: Json) -> list[Json]:
    return list((claim.get("status") or {}).get("reservedFor") or [])


def is_reserved_for(claim: Json, pod: Json) -> bool:
    return any((reserved.get("uid") or "") == uid_of(pod) for reserved in reservations(claim))


def reserved(claim: Json, pod: Json, allocation: Json | None) -> Json:
    """The claim once the pod has it: allocated if it was not, and reserved."""
    status = dict(claim.get("status") or {})
    if allocation is not None:
        status["allocation"] = allocation
    consumer = {"resource": "pods", "name": pod["metadata"]["name"], "uid": uid_of(pod)}
    status["reservedFor"] = [*reservations(claim), consumer]
    return {**claim, "status": status}


def released(claim: Json) -> Json:
    """The claim without its devices."""
    gone = ("allocation", "reservedFor", "devices")
    status = {key: value for key, value in (claim.get("status") or {}).items() if key not in gone}
    return {**claim, "status": status}


def requests_of(claim: Json) -> list[Json]:
    return list(((claim.get("spec") or {}).get("devices") or {}).get("requests") or [])


def constraints_of(claim: Json) -> list[Json]:
    return list(((claim.get("spec") or {}).get("devices") or {}).get("constraints") or [])


def summary(objects: Objects) -> Json:
    """The allocation of every claim, in the form of a Step's `allocations`."""
    claims = sorted(objects.resource_claims.values(), key=key_of)
    return {
        claim["metadata"]["name"]: _summary(claim) for claim in claims if allocation_of(claim) is not None
    }


def _summary(claim: Json) -> Json:
    found: Json = {
        "devices": [_device_summary(result) for result in results_of(claim)],
        "reservedFor": [reserved["name"] for reserved in reservations(claim)],
    }
    selector = (allocation_of(claim) or {}).get("nodeSelector")
    return {**found, "nodeSelector": selector} if selector else found


def _device_summary(result: Json) -> Json:
    kept = ("request", "driver", "pool", "device", "adminAccess", "consumedCapacity")
    found = {key: result[key] for key in kept if result.get(key)}
    return {**found, "shared": True} if result.get("shareID") else found
