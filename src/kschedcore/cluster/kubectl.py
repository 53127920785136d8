"""kubectl's verbs as methods, with kubectl's semantics, defaults and messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from kschedcore.api.arguments import text
from kschedcore.api.durations import Span, duration
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Namespace, Object
from kschedcore.client.informer import Informers, by_node
from kschedcore.client.loop import Loop
from kschedcore.client.verbs import Client
from kschedcore.clock import Timers
from kschedcore.cluster import applying, editing, rollouts
from kschedcore.cluster.draining import DrainOptions, evict_pods, pods_to_evict
from kschedcore.cluster.editing import Target
from kschedcore.cluster.references import reference
from kschedcore.cluster.results import Result, Results, result_of
from kschedcore.errors import KschedcoreError, UsageError

__all__ = ["Kubectl"]


class Kubectl:
    """The verbs of a :class:`kschedcore.Cluster` that change something.

    References are ``kind/name`` as in kubectl (``deployment/web``, ``deploy/web``, ``nodes/node-1``). Errors are
    :class:`kschedcore.errors.KschedcoreError`, with kubectl's or the API's message.
    """

    clock: Timers
    namespace: str
    _client: Client
    _informers: Informers
    _loop: Loop

    def now(self) -> datetime:
        """The time of the cluster, in UTC."""
        return self.clock.now()

    # Manifests

    def apply(
        self, *manifests: applying.Manifest, namespace: str | None = None, record: bool = False
    ) -> Results:
        """``kubectl apply -f``: apply manifests.

        Args:
            manifests: Files, folders or objects.
            namespace: The namespace of objects without one.
            record: Set the change-cause annotation, which the rollout history shows.

        Raises:
            ManifestError: One cannot be read, and nothing was applied; or the API refuses one, and those
                before it were applied.
        """
        cause = ""
        if record:
            names = [str(each) for each in manifests if not isinstance(each, Mapping)]
            cause = " ".join(["kubectl apply", *(f"--filename={name}" for name in names), "--record=true"])
        return applying.apply_manifests(self._client, manifests, self._namespace(namespace), cause)

    def create(self, *manifests: applying.Manifest, namespace: str | None = None) -> Results:
        """``kubectl create -f``: create objects from manifests; a node's status is set too.

        Raises:
            ManifestError: One cannot be read, and nothing was created; or the API refuses one, and those
                before it were created.
        """
        return applying.create_manifests(self._client, manifests, self._namespace(namespace))

    def create_deployment(
        self,
        name: str,
        *images: str,
        image: str = "",
        replicas: int = 1,
        port: int | None = None,
        namespace: str | None = None,
        dry_run: bool = False,
    ) -> Result:
        """``kubectl create deployment NAME --image=IMAGE``; with ``dry_run`` only return it.

        Raises:
            UsageError: No image.
            StatusError: As the API refuses.
        """
        chosen = tuple(text("image", each) for each in (*images, *([image] if image else ())))
        if not chosen:
            raise UsageError(f"create deployment {text('name', name)}: no image; expected at least one")
        wanted = editing.new_deployment(name, chosen, replicas, port)
        if dry_run:
            return result_of("deployments.apps", wanted, "created (dry run)")
        client = self._client.named("kubectl-create")
        made = client.create("deployments.apps", self._namespace(namespace), wanted)
        return result_of("deployments.apps", made, "created")

    def delete(
        self, *what: applying.Manifest, namespace: str | None = None, grace_seconds: int | None = None
    ) -> Results:
        """``kubectl delete``: delete ``kind/name``, or the objects of manifests.

        Raises:
            StatusError: 404 if an object does not exist.
        """
        results, where = Results(), self._namespace(namespace)
        for each in what:
            if isinstance(each, str) and "/" in each and _is_reference(each):
                target = self._target(each, namespace)
                results.append(
                    applying.delete_object(
                        self._client, target.kind, target.namespace, target.name, grace_seconds
                    )
                )
            else:
                results += applying.delete_manifests(self._client, [each], where)
        return results

    # Workloads

    def scale(self, ref: str, replicas: int, *, namespace: str | None = None, record: bool = False) -> Result:
        """``kubectl scale KIND/NAME --replicas=N``."""
        cause = f"kubectl scale {ref} --replicas={replicas} --record=true" if record else ""
        return editing.scale(self._target(ref, namespace), replicas, cause)

    def autoscale(
        self,
        ref: str,
        *,
        min_replicas: int = 1,
        max_replicas: int,
        cpu_percent: int | None = None,
        namespace: str | None = None,
    ) -> Result:
        """``kubectl autoscale KIND/NAME --min --max --cpu-percent``."""
        target = self._target(ref, namespace)
        return editing.autoscale(target, least=min_replicas, most=max_replicas, cpu_percent=cpu_percent)

    def set_image(
        self,
        ref: str,
        images: Mapping[str, str] | None = None,
        *,
        namespace: str | None = None,
        record: bool = False,
        **more: str,
    ) -> Result:
        """``kubectl set image KIND/NAME CONTAINER=IMAGE``: images by container, ``*`` for all of them.

        Raises:
            UsageError: There is no such container.
        """
        if not isinstance(images, Mapping | None):
            raise UsageError(f"images is {type(images).__name__}; expected images by container")
        wanted = {name: text("image", image) for name, image in {**(images or {}), **more}.items()}
        pairs = " ".join(f"{name}={image}" for name, image in wanted.items())
        cause = f"kubectl set image {ref} {pairs} --record=true" if record else ""
        return editing.set_image(self._target(ref, namespace), wanted, cause)

    def edit(
        self,
        ref: str,
        change: Callable[[Object], Object | None],
        *,
        namespace: str | None = None,
        record: bool = False,
    ) -> Result:
        """``kubectl edit KIND/NAME``: ``change`` is called with a copy, and changes it or returns another."""
        cause = f"kubectl edit {ref} --record=true" if record else ""
        return editing.edit(self._target(ref, namespace), change, cause)

    def rollout_history(self, ref: str, *, namespace: str | None = None) -> rollouts.History:
        """``kubectl rollout history``: ``history[2]`` is revision 2; as text, what kubectl prints."""
        return rollouts.history(self._target(ref, namespace))

    def rollout_undo(self, ref: str, *, to_revision: int = 0, namespace: str | None = None) -> Result:
        """``kubectl rollout undo``: roll back to a revision, by default the previous one."""
        return rollouts.undo(self._target(ref, namespace), to_revision)

    def rollout_pause(self, ref: str, *, namespace: str | None = None) -> Result:
        """``kubectl rollout pause``."""
        return rollouts.set_paused(self._target(ref, namespace), on=True)

    def rollout_resume(self, ref: str, *, namespace: str | None = None) -> Result:
        """``kubectl rollout resume``."""
        return rollouts.set_paused(self._target(ref, namespace), on=False)

    def rollout_restart(self, ref: str, *, namespace: str | None = None) -> Result:
        """``kubectl rollout restart``."""
        return rollouts.restart(self._target(ref, namespace), self.now())

    def rollout_status(self, ref: str, *, timeout: Span = "1h", namespace: str | None = None) -> Result:
        """``kubectl rollout status``: advance the time until the rollout is complete.

        Raises:
            UsageError: It failed, or took longer than ``timeout``.
        """
        target = self._target(ref, namespace)
        end = duration(timeout)
        if not self._loop.run_while(lambda: not rollouts.status(target)[1], end):
            raise UsageError(f"{target}: timed out waiting for the rollout: {rollouts.status(target)[0]}")
        return Result(target.get(), rollouts.status(target)[0])

    # Nodes and marks

    def label(
        self,
        ref: str,
        marks: Mapping[str, str | None] | str,
        *,
        overwrite: bool = False,
        namespace: str | None = None,
    ) -> Result:
        """``kubectl label KIND/NAME key=value key-``: as text, or as a mapping in which None removes a label."""
        target = self._target(ref, namespace)
        return editing.set_metadata(target, "labels", _marks(marks), overwrite=overwrite, what="labeled")

    def annotate(
        self,
        ref: str,
        marks: Mapping[str, str | None] | str,
        *,
        overwrite: bool = False,
        namespace: str | None = None,
    ) -> Result:
        """``kubectl annotate KIND/NAME key=value key-``."""
        target = self._target(ref, namespace)
        return editing.set_metadata(
            target, "annotations", _marks(marks), overwrite=overwrite, what="annotated"
        )

    def taint(self, ref: str, *taints: str, overwrite: bool = False) -> Result:
        """``kubectl taint nodes NAME key=value:Effect key:Effect-``."""
        return editing.taint(self._node(ref), taints, overwrite=overwrite)

    def cordon(self, ref: str) -> Result:
        """``kubectl cordon NODE``."""
        return editing.cordon(self._node(ref), on=True)

    def uncordon(self, ref: str) -> Result:
        """``kubectl uncordon NODE``."""
        return editing.cordon(self._node(ref), on=False)

    def drain(
        self,
        ref: str,
        *,
        ignore_daemonsets: bool = False,
        force: bool = False,
        delete_emptydir_data: bool = False,
        grace_seconds: int | None = None,
        timeout: Span = "1h",
    ) -> Results:
        """``kubectl drain NODE``: cordon it, evict its pods, and advance the time until they are gone.

        Raises:
            UsageError: Some pods need an option to be evicted, and no pod was evicted; or some pods still exist after
                ``timeout``.
        """
        target = self._node(ref)
        target.get()
        options = DrainOptions(ignore_daemonsets, force, delete_emptydir_data, grace_seconds)
        self._informers["pods"].add_index("node", by_node)
        results = Results([editing.cordon(target, on=True)])
        pods = pods_to_evict(self._informers["pods"].by("node", target.name), options)
        results += evict_pods(
            self._client, self._informers, pods, options,
            run_until=self._loop.run_until, now=self.now, end=self.now() + duration(timeout),
        )  # fmt: skip
        results.append(target.result(target.get(), "drained"))
        return results

    def _namespace(self, given: str | None) -> Namespace:
        """Return the namespace that a verb is about."""
        return Namespace(text("namespace", given or self.namespace))

    def _target(self, ref: str, namespace: str | None) -> Target:
        kind, name = reference(ref)
        return Target(self._client, kind, self._namespace(namespace), name)

    def _node(self, ref: str) -> Target:
        kind, name = reference(ref, default="nodes")
        if kind.resource.kind != "Node":
            raise UsageError(f"{ref!r} is no node; expected NAME or nodes/NAME")
        return Target(self._client, kind, CLUSTER_SCOPE, name)


def _is_reference(text: str) -> bool:
    """Return whether ``text`` is a reference rather than a file."""
    try:
        reference(text)
    except KschedcoreError:
        return False
    return True


def _marks(marks: Mapping[str, str | None] | str) -> Mapping[str, str | None]:
    if not isinstance(marks, str):
        return marks
    found: dict[str, str | None] = {}
    for word in marks.split():
        key, equals, value = word.partition("=")
        if equals:
            found[key] = value
        elif word.endswith("-"):
            found[word[:-1]] = None
        else:
            raise UsageError(f"{word!r} is no mark; expected KEY=VALUE, or KEY- to take one away")
    return found
