"""Convert flags into the library's objects: manifests, the engine, the selected pods."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kschedcore.api.versions import Release, release_of
from kschedcore.cli.counts import check_counts
from kschedcore.cli.names import key_of
from kschedcore.cli.options import ClusterChanges, SchedulerFlags, Selection, Sources, TieBreak
from kschedcore.cli.replicas import parse_replicas, with_replicas
from kschedcore.cli.sources import documents_of, standard_input, validation_of
from kschedcore.cli.what_if import apply_changes
from kschedcore.errors import ConfigError, NotFoundError, UsageError

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod
    from kschedcore.engine.engine import Engine
    from kschedcore.manifests.manifests import Manifests

__all__ = ["NOT_FOLLOWED", "build_engine", "find_pod", "load", "note", "read_config", "release", "select"]

NOT_FOLLOWED = (
    "the KubeSchedulerConfiguration among the manifests is not followed; name its file with --config"
)

NO_CHANGES = ClusterChanges()


def load(
    sources: Sources, changes: ClusterChanges = NO_CHANGES, *, namespace: str | None = None
) -> Manifests:
    """Read everything that ``-f`` and ``-k`` name, with the changes of other flags.

    Raises:
        UsageError: Nothing is named, a file holds no objects, or a change is invalid.
        NotFoundError: A path does not exist.
        ManifestError: Something cannot be read.
    """
    from kschedcore.manifests.collection import collection_put_off
    from kschedcore.manifests.manifests import Manifests

    wanted = parse_replicas(changes.replicas)
    with collection_put_off():
        manifests = Manifests(namespace or "default", validate=validation_of(sources))
        for document in documents_of(sources):
            manifests.add(document)
        manifests = apply_changes(manifests, changes, namespace=namespace)
        manifests.workloads = with_replicas(manifests.workloads, wanted)
        check_counts(manifests.workloads)
        # The objects live until the process ends; collecting garbage would only walk through them.
        gc.freeze()
    for warning in manifests.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    return manifests


def build_engine(
    manifests: Manifests,
    scheduler: SchedulerFlags,
    *,
    tie_break: TieBreak = TieBreak.first,
    seed: int = 0,
) -> Engine:
    """Return an engine for the cluster in the manifests.

    A KubeSchedulerConfiguration among the manifests is not followed: it may name extenders, to which pods would be
    sent.

    Raises:
        UsageError: The file that ``--config`` names holds no configuration.
        ConfigError: kube-scheduler would reject the configuration.
    """
    from kschedcore.engine.engine import Engine

    chosen = None if scheduler.config is None else read_config(scheduler.config)
    wanted = release(scheduler)
    if chosen is None and manifests.config is not None:
        note(NOT_FOLLOWED)
    try:
        return Engine(manifests, config=chosen, tie_break=tie_break.value, seed=seed, kubernetes=wanted)
    except ConfigError as error:
        raise ConfigError(f"{scheduler.config}: {error}") from None


def release(scheduler: SchedulerFlags) -> Release:
    """Return the release that ``--kubernetes`` and ``--feature-gates`` select.

    Raises:
        UsageError: There is no such version or gate, or a gate's value is neither true nor false.
    """
    gates: dict[str, bool] = {}
    for entry in (scheduler.feature_gates or "").split(",") if scheduler.feature_gates else ():
        name, equals, value = entry.strip().partition("=")
        if not equals:
            raise UsageError(f"--feature-gates: missing bool value for {name}")
        if value.lower() not in ("true", "false"):
            raise UsageError(f"--feature-gates: invalid value of {name}={value}: expected true or false")
        gates[name] = value.lower() == "true"
    try:
        return release_of(scheduler.kubernetes, gates)
    except UsageError as error:
        option = "--kubernetes" if str(error).startswith("kubernetes is") else "--feature-gates"
        raise UsageError(f"{option}: {error}") from None


def note(message: str) -> None:
    """Print a note on standard error."""
    sys.stderr.write(f"note: {message}\n")


def read_config(path: str) -> Mapping[str, Any]:
    """Read a KubeSchedulerConfiguration.

    Raises:
        UsageError: The file holds none.
    """
    from kschedcore.manifests.manifests import Manifests

    config = Manifests.load(path, stdin=standard_input()).config
    if config is None:
        raise UsageError(f"--config {path}: holds no object of kind KubeSchedulerConfiguration")
    return config


def select(pods: Iterable[Pod], selection: Selection) -> list[Pod]:
    """Return the pods that ``-n`` and ``-l`` select. If there are no pods at all, print a note on standard error.

    Raises:
        UsageError: The selector cannot be parsed, or ``-n`` and ``-l`` select none of the pods.
    """
    from kschedcore.api.selectors import parse_selector

    namespace, selector = selection.only, selection.selector
    try:
        matches = parse_selector(selector or "").matches
    except ValueError as error:
        raise UsageError(f"--selector {selector}: {error}") from None
    found = [
        pod
        for pod in pods
        if (namespace is None or key_of(pod)[0] == namespace) and matches(pod.metadata.labels or {})
    ]
    if not found and (selector or namespace is not None):
        flags = [f"-n {namespace}"] * (namespace is not None) + [f"-l {selector}"] * bool(selector)
        raise UsageError(f"{' '.join(flags)}: selects no pending pod")
    if not found:
        sys.stderr.write("No pending pods found.\n")
    return found


def find_pod(manifests: Manifests, name: str, *, namespace: str | None) -> Pod:
    """Return the pod that the user named.

    Args:
        manifests: The manifests: their pods, and the pods of their workloads.
        name: ``NAME``, ``NAMESPACE/NAME`` or ``pod/NAME``.
        namespace: The value of ``-n``.

    Raises:
        NotFoundError: There is no such pod.
        UsageError: Several namespaces have a pod of this name.
    """
    prefix, _, plain = name.rpartition("/")
    if prefix and prefix not in {"pod", "pods", "po"}:
        namespace = prefix
    found = [
        pod
        for pod in [*manifests.pending, *manifests.bound]
        if pod.metadata.name == plain and namespace in {None, key_of(pod)[0]}
    ]
    if not found:
        where = f" in namespace {namespace!r}" if namespace else ""
        raise NotFoundError(f"pod {plain!r} not found{where}{_similar(manifests, plain)}")
    if len(found) > 1:
        places = ", ".join(sorted(key_of(pod)[0] for pod in found))
        raise UsageError(f"pod {plain!r} is in several namespaces ({places}): say which with -n")
    return found[0]


def _similar(manifests: Manifests, name: str) -> str:
    import difflib

    names = {pod.metadata.name for pod in [*manifests.pending, *manifests.bound]}
    close = difflib.get_close_matches(name, sorted(names), n=3)
    return f"; did you mean {' or '.join(close)}?" if close else ""
