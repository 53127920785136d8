"""From a verb and a request to a status and an answer, over an engine; no sockets here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from kschedcore.api.objects import Pod
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

__all__ = ["API", "VERBS", "Extender"]

VERBS = ("filter", "prioritize", "preempt", "bind")

Answer = tuple[int, Any]


class API(Protocol):
    """Where bindings are written: :class:`kschedcore.apiserver.APIServer`, or anything that answers alike."""

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Answer one request with a status code and an object."""


class Extender:
    """Answers a kube-scheduler in the extender protocol (KubeSchedulerConfiguration ``extenders``, v1).

    Its methods may be called from any thread; they wait for each other, but not for the API server. The engine is
    the extender's from then on: what changes in the cluster is told to the extender.

    Args:
        engine: What decides. Its own configuration may not name extenders.
        bound: The bound pods that it accounts already, which preemption can name by UID.
        api: Where ``bind`` writes the binding; None: it is accounted in the engine only.

    Raises:
        UsageError: The engine asks extenders itself.
    """

    def __init__(self, engine: Engine, bound: Iterable[Pod] = (), *, api: API | None = None) -> None:
        self._view = ClusterView(engine, bound)
        self._api = api
        self._lock = threading.Lock()
        self._verbs: dict[str, Callable[[bytes], Answer]] = {
            "filter": self._alone(self._filter),
            "prioritize": self._alone(self._prioritize),
            "preempt": self._alone(self._preempt),
            "bind": self._bind,
        }

    def answer(self, verb: str, body: bytes) -> Answer:
        """Answer one request.

        Args:
            verb: One of ``VERBS``.
            body: The request as JSON.

        Returns:
            An HTTP status and the answer, JSON-shaped. What goes wrong is told in ``Error``; with status 200 where
            the protocol's answer has that field and kube-scheduler would show it (filter and bind), with 404 for an
            unknown verb, else with 400.
        """
        ask = self._verbs.get(verb)
        if ask is None:
            return 404, {"Error": f"unknown verb {verb!r}; expected one of {', '.join(VERBS)}"}
        try:
            return ask(body)
        except KschedcoreError as error:
            return 400, {"Error": str(error)}

    def _alone(self, ask: Callable[[bytes], Answer]) -> Callable[[bytes], Answer]:
        """Answer while nobody else is answered."""

        def answer(body: bytes) -> Answer:
            with self._lock:
                return ask(body)

        return answer

    # -- the cluster, as it changes ---------------------------------------------------------------

    def set_node(self, node: Mapping[str, Any]) -> None:
        """Add a node, or replace what is known of the one with its name.

        Raises:
            ManifestError: It is invalid.
        """
        with self._lock:
            self._view.learn([node])

    def remove_node(self, name: str) -> None:
        """Take a node out.

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
        """Give back what a bound pod takes.

        Raises:
            NotFoundError: No such pod is bound.
        """
        with self._lock:
            self._view.remove_pod(name, namespace)

    # -- the verbs --------------------------------------------------------------------------------

    def _asked(self, args: ExtenderArgs) -> tuple[list[str], Explanation]:
        """The nodes that are asked about, and everything about the pod."""
        if args.nodes is None and args.node_names is None:
            raise UsageError("the request has neither Nodes nor NodeNames")
        pod = read_pod(args.pod)
        names = self._view.learn(args.nodes.items or []) if args.nodes else list(args.node_names or ())
        return names, self._view.engine.explain(self._view.pending(pod), preempt=False)

    def _filter(self, body: bytes) -> Answer:
        args = read(ExtenderArgs, body)
        try:
            names, explanation = self._asked(args)
        except KschedcoreError as error:
            return 200, filter_result(error=str(error))
        failed: dict[str, str] = {}
        unresolvable: dict[str, str] = {}
        for name in names:
            code, reasons = self._verdict(name, explanation)
            if code:
                (failed if code == "Unschedulable" else unresolvable)[name] = ", ".join(reasons)
        passed = {name for name in names if name not in failed and name not in unresolvable}
        if args.nodes is None:
            names = [name for name in names if name in passed]
            return 200, filter_result(None, names, failed, unresolvable)
        items = [item for item in args.nodes.items or () if item["metadata"]["name"] in passed]
        return 200, filter_result({"metadata": {}, "items": items}, None, failed, unresolvable)

    def _verdict(self, name: str, explanation: Explanation) -> tuple[str, tuple[str, ...]]:
        """Why a node is rejected: the code, empty if it is not, and reasons."""
        if not self._view.has_node(name):
            return "UnschedulableAndUnresolvable", (f"node {name!r} is not known to the extender",)
        if explanation.pre_filter is not None:
            return explanation.pre_filter.code, tuple(explanation.pre_filter.reasons)
        verdict = explanation.verdicts[name]
        return ("", ()) if verdict is None else (verdict.code, tuple(verdict.reasons))

    def _prioritize(self, body: bytes) -> Answer:
        names, explanation = self._asked(read(ExtenderArgs, body))
        scores = scaled({name: explanation.totals[name] for name in names if name in explanation.totals})
        return 200, [{"Host": name, "Score": scores.get(name, 0)} for name in names]

    def _preempt(self, body: bytes) -> Answer:
        args = read(PreemptionArgs, body)
        pod, told = read_pod(args.pod), told_victims(args)
        pod = self._view.pending(pod)
        agreed = {}
        for node, (uids, violations) in told.items():
            left = needed_victims(self._view, pod, node, uids) if self._view.has_node(node) else None
            if left is not None:
                agreed[node] = {
                    "Pods": [{"UID": uid} for uid in left],
                    "NumPDBViolations": min(violations, len(left)),
                }
        return 200, {"NodeNameToMetaVictims": agreed}

    def _bind(self, body: bytes) -> Answer:
        args = read(BindingArgs, body)
        try:
            self._bind_pod(args)
        except KschedcoreError as error:
            return 200, {"Error": str(error)}
        return 200, {"Error": ""}

    def _bind_pod(self, args: BindingArgs) -> None:
        """Take the room, and give it back if the API server refuses; others are answered while it makes up its mind."""
        namespace = args.namespace or "default"
        with self._lock:
            pod = self._view.asked(args.name, namespace, args.uid)
            if not self._view.has_node(args.node):
                raise NotFoundError(f"node {args.node!r} is not known to the extender")
            before = self._view.node_of(uid_of(pod))
            self._view.add_pod(pod, args.node)
        try:
            self._write_binding(args, namespace)
        except Exception:
            with self._lock:
                self._give_back(pod, before)
            raise

    def _give_back(self, pod: Pod, before: str | None) -> None:
        """A pod is not bound after all: it is where it was, unless it was deleted meanwhile."""
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
            code, told = self._api.request("POST", path, binding)
        except OSError as error:
            raise KschedcoreError(f"the API server does not answer: {error}") from error
        if not 200 <= code < 300:
            message = told.get("message", "") if isinstance(told, Mapping) else ""
            raise UsageError(f"the API server refused the binding ({code}): {message}")


def scaled(totals: Mapping[str, int]) -> dict[str, int]:
    """Scores from 0 to ``MAX_PRIORITY``, which only the best nodes get; the order of totals is kept."""
    low, high = min(totals.values(), default=0), max(totals.values(), default=0)
    if low == high:
        return dict.fromkeys(totals, MAX_PRIORITY)
    return {name: (total - low) * MAX_PRIORITY // (high - low) for name, total in totals.items()}


def told_victims(args: PreemptionArgs) -> dict[str, tuple[list[str], int]]:
    """Node -> UIDs of its victims and how many overdraw a budget, however they were told."""
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
