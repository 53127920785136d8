"""Random pods: each has a few of the features that decide a placement."""

from collections.abc import Callable

from hypothesis import strategies as st
from tests.strategies.affinities import label_selectors, node_affinities, pod_affinities
from tests.strategies.vocabulary import (
    ADDRESSES,
    CLAIMS,
    CPU,
    EFFECTS,
    GPU,
    HUGE_PAGES,
    IMAGES,
    MEMORY,
    NAMESPACES,
    NODE_LABELS,
    POD_LABELS,
    PORTS,
    PRIORITIES,
    PROTOCOLS,
    STORAGE,
    TAINT_KEYS,
    TAINT_VALUES,
    TOPOLOGY_KEYS,
    Json,
)

Feature = Callable[[st.DrawFn, Json, list[str]], None]


def _init_containers(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    restarts = draw(st.lists(st.sampled_from([None, "Always"]), min_size=1, max_size=3))
    containers = []
    for number, restart in enumerate(restarts):
        container = _container(draw, f"i{number}")
        if restart:
            container["restartPolicy"] = restart
        containers.append(container)
    pod["spec"]["initContainers"] = containers


def _overhead(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    pod["spec"]["overhead"] = {"cpu": "250m", "memory": "120Mi"}


def _pod_level_resources(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    """No less than any drawn containers can ask for, as the API server demands."""
    for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]:
        container["resources"] = draw(
            st.sampled_from([{}, {"requests": {"cpu": "100m"}}, {"requests": {"memory": "64Mi"}}])
        )
    pod["spec"]["resources"] = {"requests": {"cpu": draw(st.sampled_from(["1", "2"])), "memory": "1Gi"}}


def _extended_resources(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    container = pod["spec"]["containers"][0]
    name = draw(st.sampled_from([GPU, "hugepages-2Mi", "example.com/absent"]))
    amount = draw(st.sampled_from(HUGE_PAGES if name == "hugepages-2Mi" else ("1", "2", "0")))
    resources = container.setdefault("resources", {})
    requests = {"cpu": "100m", **resources.get("requests", {}), name: amount}
    container["resources"] = {"requests": requests, "limits": {**resources.get("limits", {}), name: amount}}


def _node_selector(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    key = draw(st.sampled_from(sorted(NODE_LABELS)))
    pod["spec"]["nodeSelector"] = {key: draw(st.sampled_from(NODE_LABELS[key]))}


def _node_affinity(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    pod["spec"].setdefault("affinity", {})["nodeAffinity"] = draw(node_affinities(node_names))


def _pod_affinity(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    pod["spec"].setdefault("affinity", {})["podAffinity"] = draw(pod_affinities())


def _pod_anti_affinity(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    pod["spec"].setdefault("affinity", {})["podAntiAffinity"] = draw(pod_affinities())


def _tolerations(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    keys = st.sampled_from([*TAINT_KEYS, "node.kubernetes.io/unschedulable"])
    effect = {"effect": st.sampled_from(EFFECTS)}
    toleration = st.one_of(
        st.fixed_dictionaries({"key": keys, "operator": st.just("Exists")}, optional=effect),
        st.fixed_dictionaries({"operator": st.just("Exists")}, optional=effect),
        st.fixed_dictionaries(
            {"key": keys, "value": st.sampled_from(TAINT_VALUES)},
            optional={"operator": st.just("Equal"), **effect},
        ),
        st.fixed_dictionaries(
            {"key": keys, "operator": st.just("Exists"), "effect": st.just("NoExecute")},
            optional={"tolerationSeconds": st.sampled_from([0, 300])},
        ),
    )
    pod["spec"]["tolerations"] = draw(st.lists(toleration, min_size=1, max_size=2))


def _host_ports(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    port = st.fixed_dictionaries(
        {"containerPort": st.just(80), "hostPort": st.sampled_from(PORTS)},
        optional={"hostIP": st.sampled_from(ADDRESSES), "protocol": st.sampled_from(PROTOCOLS)},
    )
    pod["spec"]["containers"][0]["ports"] = [draw(port)]


def _topology_spread(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    constraint: st.SearchStrategy[Json] = st.fixed_dictionaries(
        {
            "maxSkew": st.integers(1, 3),
            "topologyKey": st.sampled_from(TOPOLOGY_KEYS),
            "whenUnsatisfiable": st.sampled_from(["DoNotSchedule", "ScheduleAnyway"]),
            "labelSelector": label_selectors(),
        },
        optional={
            "nodeAffinityPolicy": st.sampled_from(["Honor", "Ignore"]),
            "nodeTaintsPolicy": st.sampled_from(["Honor", "Ignore"]),
        },
    )
    constraints = draw(
        st.lists(
            constraint, min_size=1, max_size=2, unique_by=lambda c: (c["topologyKey"], c["whenUnsatisfiable"])
        )
    )
    for each in constraints:
        if each["whenUnsatisfiable"] == "DoNotSchedule" and draw(st.booleans()):
            each["minDomains"] = draw(st.integers(1, 4))
        selected = {e["key"] for e in each["labelSelector"].get("matchExpressions", [])}
        selected |= set(each["labelSelector"].get("matchLabels", {}))
        if "ver" not in selected and draw(st.booleans()):
            each["matchLabelKeys"] = ["ver"]
    pod["spec"]["topologySpreadConstraints"] = constraints


def _priority(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    pod["spec"]["priority"] = draw(st.sampled_from(PRIORITIES))


def _claims(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    """Claims may be missing from the namespace, and a pod may name one twice."""
    names = draw(st.lists(st.sampled_from(CLAIMS), min_size=1, max_size=2))
    volumes = [
        {"name": f"c{i}", "persistentVolumeClaim": {"claimName": name}} for i, name in enumerate(names)
    ]
    pod["spec"].setdefault("volumes", []).extend(volumes)


def _disks(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    read_only = draw(st.booleans())
    disk = draw(
        st.sampled_from(
            [
                {"gcePersistentDisk": {"pdName": "disk", "readOnly": read_only}},
                {"awsElasticBlockStore": {"volumeID": "disk", "readOnly": read_only}},
                {"iscsi": {"targetPortal": "10.0.0.9", "iqn": "iqn.x:disk", "lun": 0, "readOnly": read_only}},
                {"rbd": {"monitors": ["m1", "m2"], "image": "disk", "readOnly": read_only}},
                {"rbd": {"monitors": ["m2"], "image": "disk", "pool": "rbd", "readOnly": read_only}},
            ]
        )
    )
    pod["spec"].setdefault("volumes", []).append({"name": "disk", **disk})


def _owners(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    """The pod becomes the namespace's replica set's, whether that exists or not."""
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "replicas", "uid": "uid-replicas"}
    pod["metadata"]["ownerReferences"] = [{**owner, "controller": True}]


def _gates(draw: st.DrawFn, pod: Json, node_names: list[str]) -> None:
    pod["spec"]["schedulingGates"] = [{"name": "example.com/a"}, {"name": "example.com/b"}]


FEATURES: dict[str, Feature] = {
    "initContainers": _init_containers,
    "overhead": _overhead,
    "podLevelResources": _pod_level_resources,
    "extendedResources": _extended_resources,
    "nodeSelector": _node_selector,
    "nodeAffinity": _node_affinity,
    "podAffinity": _pod_affinity,
    "podAntiAffinity": _pod_anti_affinity,
    "tolerations": _tolerations,
    "hostPorts": _host_ports,
    "topologySpread": _topology_spread,
    "priority": _priority,
    "claims": _claims,
    "disks": _disks,
    "owners": _owners,
    "gates": _gates,
}
"""Each adds one feature to a plain pod; `pods` draws among their names."""

SCHEDULING_FEATURES = tuple(name for name in FEATURES if name != "gates")


def themes(features: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """A few of the features: pods of one theme meet each other's rules more often."""
    if not features:
        return st.just(())
    few = st.lists(st.sampled_from(features), min_size=1, max_size=4, unique=True)
    with_priority = st.booleans() if "priority" in features else st.just(False)
    return st.tuples(few, with_priority).map(lambda d: (*d[0], "priority") if d[1] else tuple(d[0]))


@st.composite
def pods(
    draw: st.DrawFn,
    name: str,
    node_names: list[str],
    features: tuple[str, ...] = tuple(FEATURES),
    max_features: int = 3,
) -> Json:
    """A valid pending Pod with at most `max_features` of `features`, and a priority when that is among them.

    Raises KeyError for a feature that FEATURES does not have.
    """
    labels = {key: draw(st.sampled_from(values)) for key, values in POD_LABELS.items()}
    for dropped in draw(st.sets(st.sampled_from(sorted(POD_LABELS)), max_size=1)):
        del labels[dropped]
    containers = [_container(draw, f"c{number}") for number in range(draw(st.integers(1, 2)))]
    pod: Json = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": draw(st.sampled_from(NAMESPACES)),
            "uid": f"uid-{name}",
            "labels": labels,
        },
        "spec": {"schedulerName": "default-scheduler", "priority": 0, "containers": containers},
    }
    optional = [feature for feature in features if feature != "priority"]
    wanted = draw(st.sets(st.sampled_from(optional), max_size=max_features)) if optional else set()
    wanted |= {"priority"} & set(features)
    for feature in FEATURES:
        if feature in wanted:
            FEATURES[feature](draw, pod, node_names)
    return pod


@st.composite
def bound_pods(
    draw: st.DrawFn, name: str, node_names: list[str], features: tuple[str, ...] = SCHEDULING_FEATURES
) -> Json:
    """A Pod that runs on one of the nodes already, started or about to start, or on its way out."""
    pod = draw(pods(name, node_names, tuple(f for f in features if f != "gates")))
    pod["spec"]["nodeName"] = draw(st.sampled_from(node_names))
    pod["status"] = {"phase": "Running"}
    minute = draw(st.integers(-1, 5))
    if minute >= 0:
        pod["status"]["startTime"] = f"2026-01-01T00:{minute:02d}:00Z"
    if draw(st.integers(0, 9)) == 9:
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T01:00:00Z"
    return pod


def _container(draw: st.DrawFn, name: str) -> Json:
    container: Json = {"name": name, "image": draw(st.sampled_from(IMAGES))}
    requests = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "cpu": st.sampled_from([*CPU, "0"]),
                "memory": st.sampled_from(MEMORY),
                "ephemeral-storage": st.sampled_from(STORAGE),
            },
        )
    )
    if requests:
        container["resources"] = {"requests": requests}
    return container
