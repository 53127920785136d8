"""A profile: the plugins of each extension point, with their order and weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kschedcore.api.versions import DEFAULT, Release
from kschedcore.engine.config.args import Args, NoArgs
from kschedcore.engine.config.loading import (
    DEFAULT_SCHEDULER_NAME,
    EVERY_NODE,
    ProfileConfiguration,
    SchedulerConfiguration,
    decode_fields,
    load_config,
)
from kschedcore.engine.config.types import EnabledPlugin, Plugins, PluginSet
from kschedcore.engine.plugin import EXTENSION_POINTS, Registry
from kschedcore.engine.registry import DEFAULT_ARGS, IN_TREE, defaults
from kschedcore.errors import ConfigError

__all__ = ["DEFAULT_SCHEDULER_NAME", "EnabledPlugin", "Profile", "default_profile", "profiles_of"]


@dataclass(frozen=True)
class Profile:
    """A scheduling profile.

    Attributes:
        scheduler_name: Pods with this ``spec.schedulerName`` are scheduled by this profile.
        points: Extension point -> the plugins that run there, in order; weights are set at ``score``.
        args: Plugin name -> its arguments; a plugin that is absent takes none.
        percentage_of_nodes_to_score: 0 for kube-scheduler's adaptive percentage, 100 for all nodes.
    """

    scheduler_name: str = DEFAULT_SCHEDULER_NAME
    points: Mapping[str, tuple[EnabledPlugin, ...]] = field(default_factory=dict)
    args: Mapping[str, Args] = field(default_factory=lambda: DEFAULT_ARGS)
    percentage_of_nodes_to_score: int = EVERY_NODE

    def at(self, point: str) -> tuple[EnabledPlugin, ...]:
        """Return the plugins at an extension point, in order."""
        return self.points.get(point, ())

    def args_of(self, name: str) -> Args:
        """Return the arguments of a plugin."""
        return self.args.get(name, NoArgs())


def default_profile(release: Release = DEFAULT) -> Profile:
    """Return kube-scheduler's default profile: every in-tree plugin at all its extension points."""
    return profiles_of(load_config(), IN_TREE, release)[0]


def profiles_of(
    config: SchedulerConfiguration, registry: Registry, release: Release = DEFAULT
) -> tuple[Profile, ...]:
    """Merge the plugin sets of a configuration with the defaults.

    Args:
        config: The configuration.
        registry: The registered plugins.
        release: The version whose default plugins the sets are merged with.

    Raises:
        ConfigError: A plugin set names a plugin that does not exist or does not run at that point, or names
            one twice; or a profile has no queue sort or bind plugin.
    """
    return tuple(
        _resolve(profile, registry, release, f"profiles[{index}]")
        for index, profile in enumerate(config.profiles)
    )


def _resolve(profile: ProfileConfiguration, registry: Registry, release: Release, path: str) -> Profile:
    general = _merged(profile.plugins.multi_point, release)
    for place, point, name in _named(profile.plugins, general):
        if name not in registry:
            raise ConfigError(f"{path}.plugins.{place}: {_interface(point)} {_quoted(name)} does not exist")
    points = {
        point: tuple(EnabledPlugin(name) for name in _at(point, profile, general, registry, path))
        for point in EXTENSION_POINTS
    }
    points["score"] = _weighted(points["score"], profile, general)
    whose = f"for profile with scheduler name {_quoted(profile.scheduler_name)}"
    sorting = len(points["queueSort"])
    if sorting != 1:
        problem = f"only one queue sort plugin required {whose}, but got {sorting}"
        raise ConfigError(f"{path}.plugins.queueSort: {problem}")
    if not points["bind"]:
        raise ConfigError(f"{path}.plugins.bind: at least one bind plugin is needed {whose}")
    used = {plugin.name for plugins in points.values() for plugin in plugins}
    own = _own_args(profile, {name: registry[name].args_type for name in sorted(used)}, path)
    args = {**DEFAULT_ARGS, **profile.args, **own}
    return Profile(profile.scheduler_name, points, args, profile.percentage_of_nodes_to_score)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _interface(point: str) -> str:
    """Return the name of an extension point's Go interface, for kube-scheduler's messages."""
    return f"{point[0].upper()}{point[1:]}Plugin"


def _named(plugins: Plugins, general: tuple[EnabledPlugin, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield the field, the extension point for messages and the name of every enabled plugin."""
    for point in EXTENSION_POINTS:
        for index, plugin in enumerate(plugins.at(point).enabled):
            yield f"{point}.enabled[{index}]", point, plugin.name
    places = {plugin.name: index for index, plugin in enumerate(plugins.multi_point.enabled)}
    for plugin in general:
        yield f"multiPoint.enabled[{places.get(plugin.name, 0)}]", "preFilter", plugin.name


def _merged(custom: PluginSet, release: Release) -> tuple[EnabledPlugin, ...]:
    """Return the ``multiPoint`` list: defaults that are enabled again are replaced in place, new ones appended."""
    disabled = custom.disabled_names
    kept = [plugin for plugin in defaults(release) if "*" not in disabled and plugin.name not in disabled]
    last = {plugin.name: index for index, plugin in enumerate(custom.enabled)}
    replaced = {last[plugin.name] for plugin in kept if plugin.name in last}
    return (
        *(custom.enabled[last[plugin.name]] if plugin.name in last else plugin for plugin in kept),
        *(plugin for index, plugin in enumerate(custom.enabled) if index not in replaced),
    )


def _at(
    point: str,
    profile: ProfileConfiguration,
    general: tuple[EnabledPlugin, ...],
    registry: Registry,
    path: str,
) -> list[str]:
    """Return the plugins of an extension point, in order.

    First those that both the point and ``multiPoint`` name, in the order of the point; then the others of
    ``multiPoint``; then the others of the point.
    """
    custom = profile.plugins.at(point)
    own = [plugin.name for plugin in custom.enabled]
    interface = _interface(point)
    for index, name in enumerate(own):
        place = f"{path}.plugins.{point}.enabled[{index}]"
        if point not in registry[name].points:
            raise ConfigError(f"{place}: plugin {_quoted(name)} does not extend {interface} plugin")
        if name in own[:index]:
            raise ConfigError(f"{place}: plugin {_quoted(name)} already registered as {_quoted(interface)}")
    if "*" in custom.disabled_names:
        return own
    expanded = [
        plugin.name
        for plugin in general
        if point in registry[plugin.name].points and plugin.name not in custom.disabled_names
    ]
    others = [name for name in expanded if name not in own]
    for index, name in enumerate(others):
        if name in others[:index]:
            place = f"{path}.plugins.multiPoint.enabled"
            raise ConfigError(f"{place}: plugin {_quoted(name)} already registered as {_quoted(interface)}")
    first = [name for name in own if name in expanded]
    return first + others + [name for name in own if name not in expanded]


def _weighted(
    plugins: tuple[EnabledPlugin, ...], profile: ProfileConfiguration, general: tuple[EnabledPlugin, ...]
) -> tuple[EnabledPlugin, ...]:
    """Return plugins with their weights: ``score`` takes precedence over ``multiPoint``, and 0 means 1."""
    weights: dict[str, int] = {}
    for plugin in (*profile.plugins.score.enabled, *general):
        weights.setdefault(plugin.name, plugin.weight or 1)
    return tuple(EnabledPlugin(plugin.name, weights[plugin.name]) for plugin in plugins)


def _own_args(profile: ProfileConfiguration, types: Mapping[str, type[Args]], path: str) -> dict[str, Args]:
    """Decode and validate the arguments of plugins that are not in-tree."""
    args: dict[str, Args] = {}
    for name, kind in types.items():
        if kind is NoArgs or name in IN_TREE:
            continue
        try:
            args[name] = decode_fields(kind, profile.raw_args.get(name, {})).defaulted()
        except ConfigError as error:
            raise ConfigError(f"{path}.pluginConfig: decoding args for plugin {name}: {error}") from None
        errors = list(args[name].errors(f"{path}.pluginConfig.{name}"))
        if errors:
            raise ConfigError(", ".join(map(str, errors)))
    return args
