"""KubeSchedulerConfiguration v1: a profile's plugins at each extension point, in order, and their weights."""

from dataclasses import dataclass

from tests.model.framework import Plugin
from tests.model.labels import Json
from tests.model.plugins import REGISTRY
from tests.model.versions import LATEST, Kubernetes

DEFAULT_SCHEDULER = "default-scheduler"
DEFAULT_MULTI_POINT: list[Json] = [
    {"name": "SchedulingGates"},
    {"name": "PrioritySort"},
    {"name": "NodeUnschedulable"},
    {"name": "NodeName"},
    {"name": "TaintToleration", "weight": 3},
    {"name": "NodeAffinity", "weight": 2},
    {"name": "NodePorts"},
    {"name": "NodeResourcesFit", "weight": 1},
    {"name": "VolumeRestrictions"},
    {"name": "NodeVolumeLimits"},
    {"name": "VolumeBinding"},
    {"name": "VolumeZone"},
    {"name": "PodTopologySpread", "weight": 2},
    {"name": "InterPodAffinity", "weight": 2},
    {"name": "DynamicResources", "weight": 2},
    {"name": "DefaultPreemption"},
    {"name": "NodeResourcesBalancedAllocation", "weight": 1},
    {"name": "ImageLocality", "weight": 1},
    {"name": "DefaultBinder"},
    {"name": "NodeDeclaredFeatures"},
]
WITHOUT_PLACEMENT = frozenset({"PrioritySort", "DefaultBinder"})
POINTS = ("preEnqueue", "preFilter", "filter", "postFilter", "preScore", "score", "reserve")


@dataclass(frozen=True)
class Profile:
    """Plugins by extension point, in the order they run, and the weights of those that score."""

    points: dict[str, list[Plugin]]
    weights: dict[str, int]


def profile_for(config: Json | None, scheduler_name: str, kubernetes: Kubernetes = LATEST) -> Profile:
    """The profile of that name; a configuration without profiles has the default one.

    Raises ValueError when no profile is called so, or when one names a plugin that does not exist.
    """
    profiles = (config or {}).get("profiles") or [{}]
    for profile in profiles:
        if (profile.get("schedulerName") or DEFAULT_SCHEDULER) == scheduler_name:
            return _resolve(profile, kubernetes)
    raise ValueError(f"spec.schedulerName {scheduler_name!r}: expected a profile of the configuration")


def _resolve(profile: Json, kubernetes: Kubernetes) -> Profile:
    plugins = profile.get("plugins") or {}
    args = {entry["name"]: entry.get("args") or {} for entry in profile.get("pluginConfig") or []}
    multi_point = _merged_multi_point(plugins.get("multiPoint") or {})
    made: dict[str, Plugin] = {}
    points = {
        point: [
            made.setdefault(name, _make(name, args, kubernetes))
            for name in _names_at(point, multi_point, plugins.get(point) or {}, kubernetes)
        ]
        for point in POINTS
    }
    weighted = [*multi_point, *((plugins.get("score") or {}).get("enabled") or [])]
    return Profile(points, {entry["name"]: entry.get("weight") or 1 for entry in weighted})


def _make(name: str, args: dict[str, Json], kubernetes: Kubernetes) -> Plugin:
    if name not in REGISTRY:
        raise ValueError(f"plugin {name!r}: expected one of {', '.join(REGISTRY)}")
    return REGISTRY[name](args.get(name, {}), kubernetes)


def _merged_multi_point(custom: Json) -> list[Json]:
    """The defaults, those that are named again changed in place, and then what is new."""
    disabled = {entry["name"] for entry in custom.get("disabled") or []}
    enabled = {entry["name"]: entry for entry in custom.get("enabled") or []}
    kept = [] if "*" in disabled else [d for d in DEFAULT_MULTI_POINT if d["name"] not in disabled]
    merged = [enabled.pop(default["name"], default) for default in kept]
    return merged + list(enabled.values())


def _names_at(point: str, multi_point: list[Json], specific: Json, kubernetes: Kubernetes) -> list[str]:
    """Plugins that both the point and multiPoint name are first, then the rest of multiPoint, then of the point."""
    named = [entry["name"] for entry in specific.get("enabled") or []]
    disabled = {entry["name"] for entry in specific.get("disabled") or []}
    general = [
        entry["name"]
        for entry in multi_point
        if "*" not in disabled and _takes_part(entry["name"], point, kubernetes)
    ]
    general = [name for name in general if name not in disabled]
    first = [name for name in named if name in general]
    middle = [name for name in general if name not in named]
    return first + middle + [name for name in named if name not in general]


def _takes_part(name: str, point: str, kubernetes: Kubernetes) -> bool:
    return name not in WITHOUT_PLACEMENT and point in _make(name, {}, kubernetes).extension_points
