"""The scheduling cycle over a cluster that changes: decide where a pod goes, and take the consequences in."""

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from tests.model.config import DEFAULT_SCHEDULER, Profile, profile_for
from tests.model.devices import claims as device_claims
from tests.model.devices import extended
from tests.model.filters import Cycle, first_rejection, start_cycle
from tests.model.framework import ERROR, PRE_FILTER_RESULT, Scores, Status
from tests.model.labels import Json
from tests.model.plugins.dynamic_resources import DynamicResources
from tests.model.post_filter import after_filter, after_pre_filter
from tests.model.snapshot import Key, NodeInfo, Objects, Snapshot, full_name, key_of, priority_of
from tests.model.versions import LATEST, Kubernetes

Step = dict[str, Any]

OBJECT_FIELDS = {
    "namespaces": "namespaces",
    "services": "services",
    "replicationControllers": "replication_controllers",
    "replicaSets": "replica_sets",
    "statefulSets": "stateful_sets",
    "persistentVolumes": "persistent_volumes",
    "persistentVolumeClaims": "persistent_volume_claims",
    "storageClasses": "storage_classes",
    "csiNodes": "csi_nodes",
    "csiDrivers": "csi_drivers",
    "csiStorageCapacities": "csi_storage_capacities",
    "volumeAttachments": "volume_attachments",
    "podDisruptionBudgets": "pod_disruption_budgets",
    "deviceClasses": "device_classes",
    "resourceSlices": "resource_slices",
    "resourceClaims": "resource_claims",
}
CLUSTER_SCOPED = frozenset(
    {"namespaces", "persistentVolumes", "storageClasses", "csiNodes", "csiDrivers", "volumeAttachments"}
    | {"deviceClasses", "resourceSlices"}
)
FINISHED = ("Succeeded", "Failed")


class ReferenceScheduler:
    """A cluster and the decisions kube-scheduler would make on it, each computed from the objects alone.

    Objects are kept by reference and never changed; `set_*` replaces, and so does adding a pod again.
    """

    def __init__(
        self,
        cluster: Json | None = None,
        *,
        kubernetes: Kubernetes = LATEST,
        now: datetime | None = None,
    ) -> None:
        cluster = cluster or {}
        self.kubernetes = kubernetes
        self._now = now
        self._claims_made = 0
        self._config: Json | None = cluster.get("config")
        self._nodes: dict[str, Json] = {}
        self._pods: dict[Key, Json] = {}
        self._objects = Objects()
        for node in cluster.get("nodes") or []:
            self.add_node(node)
        for pod in cluster.get("pods") or []:
            self.add_pod(pod)
        for kind in OBJECT_FIELDS:
            for obj in cluster.get(kind) or []:
                self.set_object(kind, obj)

    def add_node(self, node: Json) -> None:
        self._nodes[node["metadata"]["name"]] = node

    update_node = add_node

    def remove_node(self, name: str) -> None:
        """The node goes; pods bound to it stay bound, and count again if it comes back."""
        del self._nodes[name]

    def add_pod(self, pod: Json) -> None:
        """A bound pod (`spec.nodeName`), or one that waits for a node (`status.nominatedNodeName`)."""
        self._pods[key_of(pod)] = pod

    update_pod = add_pod

    def remove_pod(self, namespace: str, name: str) -> None:
        del self._pods[namespace, name]

    def set_namespace(self, namespace: Json) -> None:
        self.set_object("namespaces", namespace)

    def set_object(self, kind: str, obj: Json) -> None:
        """Add or replace an object of a kind named as in a recorded cluster: `services`, `csiNodes`…"""
        self._store(kind)[self._object_key(kind, obj)] = obj

    def remove_object(self, kind: str, obj: Json) -> None:
        del self._store(kind)[self._object_key(kind, obj)]

    def _store(self, kind: str) -> dict[Any, Json]:
        store: dict[Any, Json] = getattr(self._objects, OBJECT_FIELDS[kind])
        return store

    @staticmethod
    def _object_key(kind: str, obj: Json) -> str | Key:
        return str(obj["metadata"]["name"]) if kind in CLUSTER_SCOPED else key_of(obj)

    def pods(self) -> list[Json]:
        """Bound and nominated pods, in the order they were added."""
        return list(self._pods.values())

    def snapshot(self) -> Snapshot:
        """Pods that have finished, or whose node is gone, count nowhere."""
        active = [p for p in self._pods.values() if (p.get("status") or {}).get("phase") not in FINISHED]
        by_node: dict[str, list[Json]] = {name: [] for name in sorted(self._nodes)}
        for pod in active:
            if pod["spec"].get("nodeName") in by_node:
                by_node[pod["spec"]["nodeName"]].append(pod)
        waiting = [p for p in active if not p["spec"].get("nodeName")]
        nominated = [p for p in waiting if (p.get("status") or {}).get("nominatedNodeName")]
        nominated.sort(key=lambda p: (-priority_of(p), key_of(p)))
        infos = tuple(NodeInfo(self._nodes[name], tuple(pods)) for name, pods in by_node.items())
        objects = Objects(**{f.name: dict(getattr(self._objects, f.name)) for f in fields(Objects)})
        return Snapshot(infos, objects, tuple(nominated), self._now)

    def decide(self, pod: Json, *, preempt: bool = True) -> Step:
        """One scheduling cycle, without consequences: a Step as the recordings have it."""
        profile = self.profile_of(pod)
        step: Step = {"pod": full_name(pod)}
        gated = self.gated(pod)
        if gated:
            return {**step, "preFilter": gated.to_step()}
        snapshot = self.snapshot()
        cycle = start_cycle(pod, snapshot, profile)
        says_why = preempt and snapshot.nodes and profile.points["postFilter"]
        if isinstance(cycle, Status):
            step["preFilter"] = cycle.to_step()
            if says_why:
                step["postFilter"] = after_pre_filter(pod, len(snapshot.nodes), cycle, profile)
            return step
        step |= _place(cycle, allow_preemption=preempt)
        if not says_why:
            step.pop("postFilter", None)
        if "chosen" in step and self._has_devices():
            claims = {key_of(claim): claim for claim in self._claims_after(pod, step["chosen"])}
            known = {**self._objects.resource_claims, **claims}
            step["allocations"] = device_claims.summary(replace(snapshot.objects, resource_claims=known))
        return step

    def profile_of(self, pod: Json) -> Profile:
        name = pod["spec"].get("schedulerName") or DEFAULT_SCHEDULER
        return profile_for(self._config, name, self.kubernetes)

    def gated(self, pod: Json) -> Status | None:
        """The PreEnqueue rejection of the pod, if any."""
        for plugin in self.profile_of(pod).points["preEnqueue"]:
            gated = plugin.pre_enqueue(pod)
            if isinstance(plugin, DynamicResources):
                gated = plugin.missing_claims(pod, self._objects)
            if gated:
                return gated
        return None

    def _has_devices(self) -> bool:
        objects = self._objects
        return bool(objects.device_classes or objects.resource_slices or objects.resource_claims)

    def _claims_after(self, pod: Json, node: str) -> list[Json]:
        """The pod's claims as they are once it is on the node: its cycle once more, on that node alone."""
        snapshot = self.snapshot()
        info = snapshot.node(node)
        changed: list[Json] = []
        for plugin in self.profile_of(pod).points["reserve"]:
            prepared = plugin.pre_filter(pod, snapshot)
            if prepared.skip or prepared.rejected or info is None:
                continue
            if plugin.filter(prepared.state, pod, info) is None:
                changed += plugin.reserve(prepared.state, pod, node)
        return [self._written(claim, pod) for claim in changed]

    def _written(self, claim: Json, pod: Json) -> Json:
        """A claim for extended resources gets a name of its own."""
        if claim["metadata"]["name"] != extended.IN_MEMORY:
            return claim
        name = f"{pod['metadata']['name']}-extended-resources-{self._claims_made + 1}"
        return {**claim, "metadata": {**claim["metadata"], "name": name}}

    def equal_nominations(self, pod: Json) -> list[Step]:
        """Every `nominated` and `victims` that is as good as any other, when no node is feasible.

        kube-scheduler draws among them; `decide` takes the first.
        """
        cycle = start_cycle(pod, self.snapshot(), self.profile_of(pod))
        if isinstance(cycle, Status):
            return []
        feasible, rejections = _filtered(cycle)
        outcome = "" if feasible or _has_error(rejections) else after_filter(cycle, rejections)
        return [] if isinstance(outcome, str) else [candidate.to_step() for candidate in outcome]

    def commit(self, pod: Json, step: Step) -> None:
        """Take in what a Step of this pod says: bind it, or evict the victims and nominate its node.

        Where PostFilter gave up a claim, the claim is no longer allocated.
        """
        if "postFilter" in step or "nominated" in step:
            self._give_up_claims(pod)
        self._pods.pop(key_of(pod), None)
        if "chosen" in step:
            for claim in self._claims_after(pod, step["chosen"]):
                self._claims_made += key_of(claim) not in self._objects.resource_claims
                self.set_object("resourceClaims", claim)
            self.add_pod({**pod, "spec": {**pod["spec"], "nodeName": step["chosen"]}})
        elif "nominated" in step:
            for victim in step["victims"]:
                namespace, name = victim.split("/")
                self.remove_pod(namespace, name)
            self._release_nominations(step["nominated"], below=priority_of(pod))
            self.add_pod(_nominated(pod, step["nominated"]))

    def _give_up_claims(self, pod: Json) -> None:
        cycle = start_cycle(pod, self.snapshot(), self.profile_of(pod))
        if isinstance(cycle, Status):
            return
        for plugin in cycle.profile.points["postFilter"]:
            if isinstance(plugin, DynamicResources) and plugin.name in cycle.states:
                _filtered(cycle)
                state = cycle.states[plugin.name]
                deallocated, deleted = plugin.deallocated(state, pod), plugin.deleted(state, pod)
                if deallocated is not None:
                    self.set_object("resourceClaims", device_claims.released(deallocated))
                if deleted is not None:
                    self.remove_object("resourceClaims", deleted)

    def _release_nominations(self, node: str, below: int) -> None:
        """Less important pods that waited for this node may no longer fit it."""
        for waiting in self.snapshot().nominated_on(node):
            if priority_of(waiting) < below:
                del self._pods[key_of(waiting)]


def schedule(
    cluster: Json, pods: list[Json], *, preempt: bool = True, kubernetes: Kubernetes = LATEST
) -> list[Step]:
    """Place the pods one after another, as the recordings do: until the first that needs a preemption."""
    scheduler = ReferenceScheduler(cluster, kubernetes=kubernetes)
    steps = []
    for pod in pods:
        step = scheduler.decide(pod, preempt=preempt)
        steps.append(step)
        if "nominated" in step:
            break
        scheduler.commit(pod, step)
    return steps


def _nominated(pod: Json, node: str) -> Json:
    return {**pod, "status": {**(pod.get("status") or {}), "nominatedNodeName": node}}


def _place(cycle: Cycle, *, allow_preemption: bool) -> Step:
    nominated = (cycle.pod.get("status") or {}).get("nominatedNodeName")
    info = cycle.snapshot.node(nominated) if nominated else None
    if info and first_rejection(cycle, info) is None:
        return _scored(cycle, [info])
    feasible, rejections = _filtered(cycle)
    step: Step = {"rejected": {n: _rejection(r) for n, r in rejections.items()}} if rejections else {}
    if _has_error(rejections):
        return {**step, "error": True}
    if feasible:
        return {**step, **_scored(cycle, feasible)}
    if not (allow_preemption and cycle.profile.points["postFilter"]):
        return step
    outcome = after_filter(cycle, rejections)
    return {**step, "postFilter": outcome} if isinstance(outcome, str) else {**step, **outcome[0].to_step()}


def _has_error(rejections: dict[str, Status | None]) -> bool:
    return any(status is not None and status.code == ERROR for status in rejections.values())


def _filtered(cycle: Cycle) -> tuple[list[NodeInfo], dict[str, Status | None]]:
    """The feasible nodes, and the status of the others; None where PreFilter's node list leaves one out."""
    feasible: list[NodeInfo] = []
    rejections: dict[str, Status | None] = {}
    for info in cycle.snapshot.nodes:
        if cycle.candidates is not None and info.name not in cycle.candidates:
            rejections[info.name] = None
            continue
        rejection = first_rejection(cycle, info)
        if rejection:
            rejections[info.name] = rejection
        else:
            feasible.append(info)
    return feasible, rejections


def _rejection(status: Status | None) -> Step:
    """A node that a PreFilter plugin's list leaves out has no plugin to its name."""
    return status.to_step() if status else {"code": PRE_FILTER_RESULT, "plugin": "", "reasons": None}


def _scored(cycle: Cycle, feasible: list[NodeInfo]) -> Step:
    by_plugin = _plugin_scores(cycle, feasible)
    scores = {info.name: {plugin: s[info.name] for plugin, s in by_plugin.items()} for info in feasible}
    totals = {node: sum(each.values()) for node, each in scores.items()}
    best = sorted(node for node, total in totals.items() if total == max(totals.values()))
    return {"feasible": sorted(totals), "scores": scores, "totals": totals, "best": best, "chosen": best[0]}


def _plugin_scores(cycle: Cycle, feasible: list[NodeInfo]) -> dict[str, Scores]:
    """Normalised and weighted; a plugin that skips PreScore gives no scores."""
    profile: Profile = cycle.profile
    states: dict[str, Any] = {"DynamicResources": cycle.states.get("DynamicResources")}
    skipped = set()
    for plugin in profile.points["preScore"]:
        prepared = plugin.pre_score(cycle.pod, feasible, cycle.snapshot)
        states[plugin.name] = prepared.state
        if prepared.skip:
            skipped.add(plugin.name)
    result = {}
    for plugin in profile.points["score"]:
        if plugin.name not in skipped:
            state = states.get(plugin.name)
            raw = {info.name: plugin.score(state, cycle.pod, info) for info in feasible}
            normal = plugin.normalize(state, raw)
            result[plugin.name] = {
                node: score * profile.weights[plugin.name] for node, score in normal.items()
            }
    return result
