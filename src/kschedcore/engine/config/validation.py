"""Validation of a KubeSchedulerConfiguration, with kube-scheduler v1.34's rules and messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kschedcore.api.durations import parse_duration
from kschedcore.api.machinery.field_errors import FieldError, duplicate, invalid, required
from kschedcore.engine.config.args import Args
from kschedcore.engine.config.names import extended_resource_problems
from kschedcore.engine.config.types import (
    API_VERSION,
    ConfigurationFields,
    ExtenderFields,
    PluginSet,
    ProfileFields,
)

REMOVED_PLUGINS = frozenset({"AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits"})
"""Plugins that are part of NodeVolumeLimits since v1.32 (k8s ``invalidPluginsByVersion``)."""


def validate(config: ConfigurationFields, args: Sequence[Mapping[str, Args | None]]) -> list[FieldError]:
    """Return all errors of a configuration.

    Args:
        config: The configuration, defaulted.
        args: For each profile, the decoded arguments by plugin; None for plugins without arguments in Kubernetes.
    """
    errors: list[FieldError] = []
    if config.parallelism <= 0:
        errors.append(
            invalid("parallelism", config.parallelism, "should be an integer value greater than zero")
        )
    seen: dict[str, int] = {}
    for index, profile in enumerate(config.profiles):
        path = f"profiles[{index}]"
        errors += _profile_errors(profile, args[index], path)
        name = profile.scheduler_name or ""
        if name in seen:
            errors.append(duplicate(f"{path}.schedulerName", f"profiles[{seen[name]}].schedulerName"))
        seen[name] = index
    errors += _queue_sort_errors(config.profiles)
    errors += _percentage_errors(config.percentage_of_nodes_to_score, "percentageOfNodesToScore")
    initial, most = config.pod_initial_backoff_seconds, config.pod_max_backoff_seconds
    if initial <= 0:
        errors.append(invalid("podInitialBackoffSeconds", initial, "must be greater than 0"))
    if most < initial:
        expected = "must be greater than or equal to PodInitialBackoffSeconds"
        errors.append(invalid("podMaxBackoffSeconds", most, expected))
    return errors + list(_extender_errors(config.extenders))


def _percentage_errors(percentage: int | None, path: str) -> list[FieldError]:
    if percentage is None or 0 <= percentage <= 100:
        return []
    return [invalid(path, percentage, "not in valid range [0-100]")]


def _profile_errors(
    profile: ProfileFields, args: Mapping[str, Args | None], path: str
) -> Iterator[FieldError]:
    if not profile.scheduler_name:
        yield required(f"{path}.schedulerName")
    yield from _percentage_errors(profile.percentage_of_nodes_to_score, f"{path}.percentageOfNodesToScore")
    for point in POINTS_WITH_REMOVED_PLUGINS:
        for index, plugin in enumerate(profile.plugins.at(point).enabled):
            yield from _removed_errors(plugin.name, f"{path}.plugins.{point}.enabled[{index}]")
    seen: set[str] = set()
    for index, entry in enumerate(profile.plugin_config):
        place = f"{path}.pluginConfig[{index}]"
        if entry.name in seen:
            yield duplicate(place, entry.name)
        seen.add(entry.name)
        yield from _removed_errors(entry.name, place)
        given = args[entry.name]
        if given is not None:
            yield from given.errors(f"{place}.args")


POINTS_WITH_REMOVED_PLUGINS = ("multiPoint", "preFilter", "filter")
"""The extension points at which the removed plugins ran."""


def _removed_errors(name: str, path: str) -> Iterator[FieldError]:
    if name in REMOVED_PLUGINS:
        problem = f'was invalid in version "v1" (KubeSchedulerConfiguration is version "{API_VERSION}")'
        yield invalid(path, name, problem)


def _queue_sort_errors(profiles: Sequence[ProfileFields]) -> Iterator[FieldError]:
    """Yield the errors of profiles that do not have the same QueueSort plugin: they share one queue."""
    first = profiles[0].plugins.queue_sort
    if len(first.enabled) > 1:
        path = "profiles[0].plugins.queueSort.Enabled"
        yield invalid(path, len(first.enabled), "only one queue sort plugin can be enabled")
    for index, profile in enumerate(profiles[1:], 1):
        own = profile.plugins.queue_sort
        if own != first:
            problem = "must be the same for all profiles"
            yield invalid(f"profiles[{index}].plugins.queueSort", _names(own), problem)
        for plugin in first.enabled[:1]:
            mine = _args_of(profile, plugin.name)
            if mine is not None and mine != _args_of(profiles[0], plugin.name):
                problem = "queueSort must be the same for all profiles"
                yield invalid(f"profiles[{index}].pluginConfig.args", mine, problem)


def _args_of(profile: ProfileFields, name: str) -> dict[str, Any] | None:
    return next((entry.args or {} for entry in profile.plugin_config if entry.name == name), None)


def _names(plugins: PluginSet) -> dict[str, list[str]]:
    return {
        "enabled": [plugin.name for plugin in plugins.enabled],
        "disabled": [plugin.name for plugin in plugins.disabled],
    }


def _extender_errors(extenders: Sequence[ExtenderFields]) -> Iterator[FieldError]:
    managed: set[str] = set()
    for index, extender in enumerate(extenders):
        path = f"extenders[{index}]"
        if extender.prioritize_verb and extender.weight <= 0:
            yield invalid(f"{path}.weight", extender.weight, "must have a positive weight applied to it")
        yield from _text_errors(extender.http_timeout, f"{path}.httpTimeout", parse_duration)
        for place, resource in enumerate(extender.managed_resources):
            name = f"{path}.managedResources[{place}].name"
            for problem in extended_resource_problems(resource.name):
                yield invalid(name, resource.name, problem)
            if resource.name in managed:
                yield invalid(name, resource.name, "duplicate extender managed resource name")
            managed.add(resource.name)
    binders = sum(bool(extender.bind_verb) for extender in extenders)
    if binders > 1:
        problem = f"found {binders} extenders implementing bind"
        yield invalid("extenders", problem, "only one extender can implement bind")


def _text_errors(text: str, path: str, parse: Callable[[str], object]) -> Iterator[FieldError]:
    try:
        parse(text or "0")
    except ValueError as error:
        yield invalid(path, text, str(error))
