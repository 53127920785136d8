"""The extender's verbs over an engine, independent of HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kschedcore.api.objects import Pod
from kschedcore.client.transport import Request, Transport
from kschedcore.engine.binding import key_of
from kschedcore.errors import KschedcoreError, NotFoundError, UsageError
from kschedcore.extender.preemption import needed_victims
from kschedcore.extender.protocol import (
    MAX_PRIORITY,
    BindingArgs,
    ExtenderArgs,
    MetaVictims,
    PreemptionArgs,
    filter_result,
    read,
)
from kschedcore.extender.state import ClusterView, read_pod, uid_of

if TYPE_CHECKING:
    from kschedcore.engine.engine import Engine
    from kschedcore.engine.explanation import Explanation

__all__ = ["VERBS", "Extender"]

VERBS = ("filter", "prioritize", "preempt", "bind")

VerbResult = tuple[int, Any]


class Extender:
    """Serves a kube-scheduler with the extender protocol (KubeSchedulerConfiguration ``extenders``, v1).

    It is thread-safe: calls are serialised, except for requests to the API server. The extender owns the engine: report
    changes of the cluster to the extender, not to the engine.

    Args:
        engine: The engine that filters and scores. Its configuration must not have extenders.
        bound: Bound pods that the engine accounts already; preemption can name them by UID.
        api: The API server that ``bind`` writes to; None to account bindings in the engine only.

    Raises:
        UsageError: The engine's configuration has extenders.
    """

    def __init__(self, engine: Engine, bound: Iterable[Pod] = (), *, api: Transport | None = None) -> None:
        self._view = ClusterView(engine, bound)
        self._api = api
        self._lock = threading.Lock()
        self._verbs: dict[str, Callable[[bytes], VerbResult]] = {
            "filter": self._locked(self._filter),
            "prioritize": self._locked(self._prioritize),
            "preempt": self._locked(self._preempt),
            "bind": self._bind,
        }

    def answer(self, verb: str, body: bytes) -> VerbResult:
        """Handle one request.

        Args:
            verb: One of ``VERBS``.
            body: The request as JSON.

        Returns:
            An HTTP status and the result, JSON-shaped. Errors are reported in ``Error``; with status 200 where the
            result type has that field and kube-scheduler would show it (filter and bind), with 404 for an unknown
            verb, else with 400.
        """
        handler = self._verbs.get(verb)
        if handler is None:
            return 404, {"Error": f"unknown verb {verb!r}; expected one of {', '.join(VERBS)}"}
        try:
            return handler(body)
        except KschedcoreError as error:
            return 400, {"Error": str(error)}

    def _locked(self, handler: Callable[[bytes], VerbResult]) -> Callable[[bytes], VerbResult]:
        """Return the handler, called under the lock."""

        def locked(body: bytes) -> VerbResult:
            with self._lock:
                return handler(body)

        return locked

    # -- the cluster, as it changes ---------------------------------------------------------------

    def set_node(self, node: Mapping[str, Any]) -> None:
        """Add a node, or replace the node of that name.

        Raises:
            ManifestError: It is invalid.
        """
        with self._lock:
            self._view.set_nodes([node])

    def remove_node(self, name: str) -> None:
        """Remove a node.

        Raises:
            NotFoundError: There is no such node.
        """
        with self._lock:
            self._view.forget_node(name)

    def add_pod(self, pod: Mapping[str, Any]) -> None:
        """Account a bound pod.

        Raises:
            ManifestError: It is invalid.
            UsageError: It has no ``spec.nodeName``.
        """
        view = read_pod(pod)
        if not view.spec.node_name:
            raise UsageError(f"pod {uid_of(view)} has no spec.nodeName")
        with self._lock:
            self._view.add_pod(view, view.spec.node_name)

    def remove_pod(self, name: str, namespace: str = "default") -> None:
        """Remove a bound pod.

        Raises:
            NotFoundError: No such pod is bound.
        """
        with self._lock:
            self._view.remove_pod(name, namespace)

    # -- the verbs --------------------------------------------------------------------------------

    def _explain(self, args: ExtenderArgs) -> tuple[list[str], Explanation]:
        """Return the names of the nodes in the request, and the explanation of the pod."""
        if args.nodes is None and args.node_names is None:
            raise UsageError("the request has neither Nodes nor NodeNames")
        pod = read_pod(args.pod)
        names = self._view.set_nodes(args.nodes.items or []) if args.nodes else list(args.node_names or ())
        return names, self._view.engine.explain(self._view.pending(pod), preempt=False)

    def _filter(self, body: bytes) -> VerbResult:
        args = read(ExtenderArgs, body)
        try:
            names, explanation = self._explain(args)
        except KschedcoreError as error:
            return 200, filter_result(error=str(error))
        failed: dict[str, str] = {}
        unresolvable: dict[str, str] = {}
        for name in names:
            code, reasons = self._rejection(name, explanation)
            if code:
                (failed if code == "Unschedulable" else unresolvable)[name] = ", ".join(reasons)
        passed = {name for name in names if name not in failed and name not in unresolvable}
        if args.nodes is None:
            names = [name for name in names if name in passed]
            return 200, filter_result(None, names, failed, unresolvable)
        items = [item for item in args.nodes.items or () if item["metadata"]["name"] in passed]
        return 200, filter_result({"metadata": {}, "items": items}, None, failed, unresolvable)

    def _rejection(self, name: str, explanation: Explanation) -> tuple[str, tuple[str, ...]]:
        """Return why a node is rejected: the status code (``""`` if feasible) and the reasons."""
        if not self._view.has_node(name):
            return "UnschedulableAndUnresolvable", (f"node {name!r} is not known to the extender",)
        if explanation.pre_filter is not None:
            return explanation.pre_filter.code, tuple(explanation.pre_filter.reasons)
        verdict = explanation.verdicts[name]
        return ("", ()) if verdict is None else (verdict.code, tuple(verdict.reasons))

    def _prioritize(self, body: bytes) -> VerbResult:
        names, explanation = self._explain(read(ExtenderArgs, body))
        scores = scaled({name: explanation.totals[name] for name in names if name in explanation.totals})
        return 200, [{"Host": name, "Score": scores.get(name, 0)} for name in names]

    def _preempt(self, body: bytes) -> VerbResult:
        args = read(PreemptionArgs, body)
        pod, proposed = read_pod(args.pod), proposed_victims(args)
        pod = self._view.pending(pod)
        agreed = {}
        for node, (uids, violations) in proposed.items():
            left = needed_victims(self._view, pod, node, uids) if self._view.has_node(node) else None
            if left is not None:
                agreed[node] = {
                    "Pods": [{"UID": uid} for uid in left],
                    "NumPDBViolations": min(violations, len(left)),
                }
        return 200, {"NodeNameToMetaVictims": agreed}

    def _bind(self, body: bytes) -> VerbResult:
        args = read(BindingArgs, body)
        try:
            self._bind_pod(args)
        except KschedcoreError as error:
            return 200, {"Error": str(error)}
        return 200, {"Error": ""}

    def _bind_pod(self, args: BindingArgs) -> None:
        """Assume the pod, write the binding without holding the lock, and roll back if the API server rejects it."""
        namespace = args.namespace or "default"
        with self._lock:
            pod = self._view.pod_to_bind(args.name, namespace, args.uid)
            if not self._view.has_node(args.node):
                raise NotFoundError(f"node {args.node!r} is not known to the extender")
            before = self._view.node_of(uid_of(pod))
            self._view.add_pod(pod, args.node)
        try:
            self._write_binding(args, namespace)
        except Exception:
            with self._lock:
                self._roll_back(pod, before)
            raise

    def _roll_back(self, pod: Pod, before: str | None) -> None:
        """Restore the pod's previous node after a failed binding, unless the pod was deleted meanwhile."""
        if self._view.node_of(uid_of(pod)) is None:
            return
        if before is None:
            namespace, name = key_of(pod)
            self._view.remove_pod(name, namespace)
        else:
            self._view.add_pod(pod, before)

    def _write_binding(self, args: BindingArgs, namespace: str) -> None:
        if self._api is None:
            return
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": args.name, "namespace": namespace, "uid": args.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": args.node},
        }
        for what, name in (("PodNamespace", namespace), ("PodName", args.name)):
            if name in ("", ".", ".."):
                raise UsageError(f"{what} is {name!r}; expected a name")
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(args.name, safe='')}/binding"
        try:
            response = self._api.send(Request("POST", path, binding))
        except OSError as error:
            raise KschedcoreError(f"the API server does not respond: {error}") from error
        if not 200 <= response.code < 300:
            answer: Any = response.body
            message = answer.get("message", "") if isinstance(answer, Mapping) else ""
            raise UsageError(f"the API server refused the binding ({response.code}): {message}")


def scaled(totals: Mapping[str, int]) -> dict[str, int]:
    """Return scores scaled to 0 … ``MAX_PRIORITY``, which only the best nodes get; the order is kept."""
    low, high = min(totals.values(), default=0), max(totals.values(), default=0)
    if low == high:
        return dict.fromkeys(totals, MAX_PRIORITY)
    return {name: (total - low) * MAX_PRIORITY // (high - low) for name, total in totals.items()}


def proposed_victims(args: PreemptionArgs) -> dict[str, tuple[list[str], int]]:
    """Return node -> (UIDs of its proposed victims, number of PDB violations), from either form of the request."""
    metas: Mapping[str, MetaVictims] = args.meta_victims or {}
    by_uid = {
        node: ([each.uid for each in victims.pods or ()], victims.violations)
        for node, victims in metas.items()
    }
    whole = {
        node: ([uid_of(read_pod(each)) for each in victims.pods or ()], victims.violations)
        for node, victims in (args.victims or {}).items()
    }
    return whole | by_uid
