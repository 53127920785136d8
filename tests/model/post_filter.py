"""PostFilter: what can be done for a pod that no node suits, and what is said when nothing can."""

from collections.abc import Mapping

from tests.model.config import Profile
from tests.model.filters import Cycle
from tests.model.framework import Status
from tests.model.labels import Json
from tests.model.plugins.default_preemption import DefaultPreemption
from tests.model.plugins.dynamic_resources import DynamicResources
from tests.model.preemption import Candidate, never_helpful, preempt

NO_STATE = "not found"
"""DynamicResources fails when PreFilter ended before its turn."""


def after_filter(cycle: Cycle, rejections: Mapping[str, Status | None]) -> list[Candidate] | str:
    """The equally good nominations, the one to take first; else the message of all plugins."""
    messages = []
    for plugin in cycle.profile.points["postFilter"]:
        if isinstance(plugin, DefaultPreemption):
            outcome = preempt(cycle, rejections)
            if not isinstance(outcome, str):
                return outcome
            messages.append(f"preemption: {outcome}")
        else:
            messages.append(plugin.post_filter(cycle.states.get(plugin.name), cycle.pod))
    return ", ".join(messages)


def after_pre_filter(pod: Json, nodes: int, rejection: Status, profile: Profile) -> str:
    """The message of all plugins when PreFilter has rejected the pod."""
    names = [plugin.name for plugin in profile.points["preFilter"]]
    messages = []
    for plugin in profile.points["postFilter"]:
        if isinstance(plugin, DefaultPreemption):
            messages.append(f"preemption: {never_helpful(pod, nodes)}")
        elif isinstance(plugin, DynamicResources) and names.index(rejection.plugin) < names.index(
            plugin.name
        ):
            return NO_STATE
        else:
            messages.append(plugin.post_filter(None, pod))
    return ", ".join(messages)
