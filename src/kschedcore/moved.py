"""Modules and names of earlier versions: imports of a moved module work and warn, others name the new one.

``docs/reference/migration.md`` lists the changes.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

__all__ = ["MODULES", "NAMES", "install", "new_module", "renamed"]

_ROOT = "kschedcore."
_PAGE = "see docs/reference/migration.md"

MODULES = {
    "admission": "apiserver.admission",
    "admission.defaults": "rules.defaults",
    "admission.eviction": "apiserver.eviction",
    "admission.quota": "rules.admission.quota",
    "admission.strategies": "apiserver.strategies",
    "admission.usage": "rules.amounts",
    "admission.validation": "rules.validation",
    "api.checks": "rules.bounds",
    **{
        f"api.{name}": f"manifests.{name}"
        for name in (
            "collection",
            "daemons",
            "documents",
            "loading",
            "manifests",
            "pending",
            "scalars",
            "strict",
            "workloads",
            "yaml",
        )
    },
    "api.requests": "rules.amounts",
    "api.resize": "rules.resize",
    "api.spans": "api.durations",
    "cli.recordings": "conformance",
    "client.conditions": "api.machinery.conditions",
    "client.door": "client.transport",
    "cluster.durations": "api.durations",
    "cluster.given_nodes": "cluster.initial",
    "cluster.tables": "apiserver.printers",
    "columns": "engine.columns",
    "controllers.claims": "controllers.refmanager",
    "controllers.history": "controllers.controllerhistory",
    "controllers.pods": "controllers.podcontrol",
    "controllers.service_pods": "controllers.serviceendpoints",
    "controllers.victims": "controllers.activepods",
    "engine.exclusive": "_native.transactions",
    "engine.journal": "_native.transactions",
    "engine.preemption": "engine.plugins.default_preemption",
    "extender.api_door": "extender.api_client",
    "nodes.behaviour": "nodes.runtimes.behaviour",
    "nodes.behaviours": "nodes.runtimes.behaviours",
    "nodes.runtime": "nodes.runtimes.interface",
    "nodes.simulated": "nodes.runtimes.simulated",
    "rules.checks": "rules.bounds",
    "rules.pod_specs": "rules.amounts",
    "rules.requests": "rules.amounts",
    "rules.usage": "rules.amounts",
    "scheduling": "engine",
    "scheduling.args": "engine.config.args",
    **{
        f"scheduling.{name}": f"scheduler.{name}"
        for name in ("cluster_state", "cycle", "loop", "outcomes", "pending_pods", "waiting")
    },
    "scheduling.config": "engine.config.loading",
    "scheduling.config_types": "engine.config.types",
    "scheduling.config_validation": "engine.config.validation",
    "scheduling.durations": "api.durations",
    "scheduling.exclusive": "_native.transactions",
    "scheduling.extender_http": "engine.extenders.http",
    "scheduling.extender_objects": "engine.extenders.objects",
    "scheduling.extenders": "engine.extenders.extenders",
    "scheduling.journal": "_native.transactions",
    "scheduling.preemption": "engine.plugins.default_preemption",
    "simulation.tally": "simulation.totals",
    "scheduler.volume_promises": "scheduler.volume_binder",
    "store.admission_types": "apiserver.admission.types",
    "store.apply": "apiserver.apply",
    "store.deletion": "apiserver.deletion",
    "store.field_errors": "api.machinery.field_errors",
    "store.kinds": "api.machinery.kinds",
    "store.meta": "apiserver.metadata",
    "store.objects": "api.machinery.frozen",
    "store.patches": "apiserver.patches",
    "store.remembered": "api.machinery.remembered",
    "testing.breakable": "chaos.cluster",
    "testing.breaking": "chaos.runner",
    "testing.chronicle": "chaos.writes",
    "testing.faults": "chaos.faults",
    "testing.given": "testing.sources",
    "testing.histories": "chaos.histories",
    "testing.invariants": "chaos.invariants",
    "testing.soak": "chaos.soak",
    "testing.users": "chaos.generator",
}
"""Old module -> new module, both within the package; what is below the old one is looked for below the new one."""

NAMES = {
    "api.defaulting": "kschedcore.rules.creation.create_pod_spec and kschedcore.manifests.pod_specs.PodSpecs",
    "client.door.Door": "kschedcore.client.transport.Transport",
    "cluster.given_nodes.move_in": "kschedcore.cluster.initial.create_initial_objects",
    "cluster.given_nodes.node_manifests": "kschedcore.cluster.initial.initial_manifests",
    "controllers.claims.adopters": "kschedcore.controllers.refmanager.watch_orphans",
    "controllers.claims.selected_by": "kschedcore.controllers.refmanager.label_matcher",
    "controllers.victims.victims": "kschedcore.controllers.activepods.pods_to_delete",
    "scheduling.hints": "Plugin.events() and Engine.hints",
    "testing.breakable.BreakableCluster": "kschedcore.chaos.cluster.ChaosCluster",
    "testing.breaking.BrokenError": "kschedcore.chaos.runner.InvariantError",
    "testing.breaking.live": "kschedcore.chaos.runner.run_history",
    "testing.breaking.shortened": "kschedcore.chaos.runner.shrink",
    "testing.chronicle.Chronicle": "kschedcore.chaos.writes.WriteLog",
    "testing.given.Given": "kschedcore.testing.sources.ClusterSource",
    "testing.users.draw_history": "kschedcore.chaos.generator.random_history",
}
"""Names whose replacement has another signature: the error about the old name refers to the new one."""


def renamed(old: str, new: str) -> Any:
    """Return a property: the old name of an attribute, which warns."""

    def get(instance: object) -> Any:
        message = f"{type(instance).__name__}.{old} is called {new} now; {_PAGE}"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return getattr(instance, new)

    return property(get)


def new_module(name: str) -> str | None:
    """Return the new name of a module, both with the package; None when it has not moved."""
    rest, below = name.removeprefix(_ROOT), ""
    while rest:
        new = MODULES.get(rest)
        if new is not None:
            found = f"{_ROOT}{new}{below}"
            return found if _exists(found) else None
        rest, _, last = rest.rpartition(".")
        below = f".{last}{below}"
    return None


def _exists(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _replaced(name: str) -> str | None:
    """Return the message about a name that has another one now."""
    new = NAMES.get(name.removeprefix(_ROOT))
    return None if new is None else f"{name} has become {new}; {_PAGE}"


class _MovedModule(ModuleType):
    """Stands for a module under its old name; its attributes are those of the new one."""

    def __init__(self, name: str, new: str) -> None:
        super().__init__(name, f"Moved to {new}.")
        self.__path__: list[str] = []
        self._new = new

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        if (problem := _replaced(f"{self.__name__}.{name}")) is not None:
            raise ImportError(problem)
        return getattr(import_module(self._new), name)


class _Moved(MetaPathFinder, Loader):
    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        if not fullname.startswith(_ROOT):
            return None
        if (problem := _replaced(fullname)) is not None:
            raise ModuleNotFoundError(problem, name=fullname)
        new = new_module(fullname)
        return None if new is None else ModuleSpec(fullname, self, origin=new, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _MovedModule(spec.name, str(spec.origin))

    def exec_module(self, module: ModuleType) -> None:
        new = module.__spec__.origin if module.__spec__ else ""
        warnings.warn(f"{module.__name__} has moved to {new}; {_PAGE}", DeprecationWarning, stacklevel=2)
        import_module(str(new))


def install() -> None:
    """Let imports of moved modules find them."""
    if not any(isinstance(each, _Moved) for each in sys.meta_path):
        sys.meta_path.insert(0, _Moved())
