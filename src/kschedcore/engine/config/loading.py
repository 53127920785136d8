"""Read, default and validate a KubeSchedulerConfiguration v1, as kube-scheduler does at its start.

A configuration is read without a plugin registry: its plugin sets are resolved by
:func:`kschedcore.engine.profile.profiles_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from kschedcore.api.arguments import path_of
from kschedcore.engine.config.args import Args, Fields, NoArgs
from kschedcore.engine.config.types import (
    API_VERSION,
    KIND,
    ConfigurationFields,
    ExtenderFields,
    PluginConfig,
    Plugins,
    ProfileFields,
)
from kschedcore.engine.config.validation import validate
from kschedcore.engine.plugins.node_resources_fit import NodeResourcesFitArgs
from kschedcore.engine.registry import DEFAULT_ARGS
from kschedcore.errors import ConfigError, ManifestError
from kschedcore.manifests.loading import read_documents

DEFAULT_SCHEDULER_NAME = "default-scheduler"

EVERY_NODE = 100
"""Default of ``percentageOfNodesToScore``: all nodes.

kube-scheduler's default is 0, which adapts to the size of the cluster; set 0 explicitly for that.
"""

Configuration = Mapping[str, Any] | str | PathLike[str]
"""A configuration as JSON-shaped data, or the path of a YAML or JSON file."""


@dataclass(frozen=True)
class ProfileConfiguration:
    """One profile of a configuration.

    Attributes:
        scheduler_name: The name that pods select it by.
        plugins: The plugin sets as in the file.
        args: Arguments of in-tree plugins, where given; defaulted and valid.
        raw_args: Arguments of other plugins, as in the file.
        percentage_of_nodes_to_score: 0 to 100; 0 adapts to the size of the cluster.
    """

    scheduler_name: str
    plugins: Plugins
    args: Mapping[str, Args]
    raw_args: Mapping[str, Mapping[str, Any]]
    percentage_of_nodes_to_score: int


@dataclass(frozen=True)
class SchedulerConfiguration:
    """A valid KubeSchedulerConfiguration.

    Attributes:
        profiles: In the file's order; at least one.
        extenders: In the order in which they are called.
        pod_initial_backoff_seconds: Backoff of a pod after its first failed attempt.
        pod_max_backoff_seconds: Upper bound of the backoff, which doubles with each attempt.
        parallelism: As given; decisions do not depend on it.
    """

    profiles: tuple[ProfileConfiguration, ...]
    extenders: tuple[ExtenderFields, ...] = ()
    pod_initial_backoff_seconds: int = 1
    pod_max_backoff_seconds: int = 10
    parallelism: int = 16


def load_config(config: Configuration | SchedulerConfiguration | None = None) -> SchedulerConfiguration:
    """Read a KubeSchedulerConfiguration.

    Args:
        config: JSON-shaped data, or the path of a YAML or JSON file with one document; None for the default
            configuration. A SchedulerConfiguration is returned unchanged.

    Raises:
        ConfigError: kube-scheduler v1.34 would refuse it. The message is kube-scheduler's, with the file and the
            field's path.
        NotFoundError: There is no such file.
    """
    if isinstance(config, SchedulerConfiguration):
        return config
    if config is None:
        return _read({"apiVersion": API_VERSION, "kind": KIND})
    if isinstance(config, Mapping):
        return _read(config)
    path = path_of("config", config)
    document = _document(path)
    try:
        return _read(document)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _document(path: Path) -> Mapping[str, Any]:
    """Return the one document of a file."""
    try:
        documents = [document.data for document in read_documents([path])]
    except ManifestError as error:
        raise ConfigError(str(error)) from None
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise ConfigError(f"{path}: expected one {KIND}, found {len(documents)} documents")
    return documents[0]


def _read(data: Mapping[str, Any]) -> SchedulerConfiguration:
    try:
        return _validated(data)
    except RecursionError:
        raise ConfigError("nested too deeply") from None
    except UnicodeEncodeError as error:
        found = error.object[error.start : error.end]
        raise ConfigError(f"found {found!r}, which is not a Unicode character") from None


def _validated(data: Mapping[str, Any]) -> SchedulerConfiguration:
    _check_kind(data)
    fields = decode_fields(ConfigurationFields, data)
    profiles = _named(fields.profiles or (ProfileFields(),))
    args = [
        {entry.name: _args(entry, index, place) for place, entry in enumerate(profile.plugin_config)}
        for index, profile in enumerate(profiles)
    ]
    errors = validate(msgspec.structs.replace(fields, profiles=profiles), args)
    if errors:
        problems = [str(error) for error in errors]
        raise ConfigError(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")
    percentage = fields.percentage_of_nodes_to_score
    ignored = tuple(
        resource.name
        for extender in fields.extenders
        for resource in extender.managed_resources
        if resource.ignored_by_scheduler
    )
    return SchedulerConfiguration(
        tuple(
            _profile(profile, _ignoring(ignored, given), percentage)
            for profile, given in zip(profiles, args, strict=True)
        ),
        fields.extenders,
        fields.pod_initial_backoff_seconds,
        fields.pod_max_backoff_seconds,
        fields.parallelism,
    )


def _profile(
    profile: ProfileFields, args: Mapping[str, Args | None], percentage: int | None
) -> ProfileConfiguration:
    own = profile.percentage_of_nodes_to_score
    shares = (share for share in (own, percentage, EVERY_NODE) if share is not None)
    return ProfileConfiguration(
        profile.scheduler_name or "",
        profile.plugins,
        {name: given for name, given in args.items() if given is not None},
        {entry.name: entry.args or {} for entry in profile.plugin_config if args[entry.name] is None},
        next(shares),
    )


def _ignoring(resources: tuple[str, ...], args: Mapping[str, Args | None]) -> Mapping[str, Args | None]:
    """Add the resources that extenders manage to ``ignoredResources`` of NodeResourcesFit."""
    fit = args.get("NodeResourcesFit") or DEFAULT_ARGS["NodeResourcesFit"]
    if not resources or not isinstance(fit, NodeResourcesFitArgs):
        return args
    ignored = (*fit.ignored_resources, *resources)
    return {**args, "NodeResourcesFit": msgspec.structs.replace(fit, ignored_resources=ignored)}


def _check_kind(data: Mapping[str, Any]) -> None:
    """Refuse any other kind or version."""
    for field in ("apiVersion", "kind"):
        if not isinstance(data.get(field), str) or not data[field]:
            raise ConfigError(
                f"{field}: Required value: expected {API_VERSION if field == 'apiVersion' else KIND}"
            )
    if (data["apiVersion"], data["kind"]) != (API_VERSION, KIND):
        raise ConfigError(
            f'no kind "{data["kind"]}" is registered for version "{data["apiVersion"]}"; '
            f"expected {KIND} of {API_VERSION}"
        )


def _named(profiles: tuple[ProfileFields, ...]) -> tuple[ProfileFields, ...]:
    """Fill in the default scheduler name of a single profile."""
    if len(profiles) == 1 and profiles[0].scheduler_name is None:
        return (msgspec.structs.replace(profiles[0], scheduler_name=DEFAULT_SCHEDULER_NAME),)
    return profiles


_NO_ARGS = NoArgs()


def _args(entry: PluginConfig, profile: int, place: int) -> Args | None:
    """Return the arguments of an in-tree plugin; None for a plugin for which Kubernetes defines none."""
    default = DEFAULT_ARGS.get(entry.name, _NO_ARGS)
    if isinstance(default, NoArgs):
        return None
    given = dict(entry.args or {})
    kind, version = given.pop("kind", ""), given.pop("apiVersion", "")
    expected = f"{entry.name}Args"
    try:
        if (kind and kind != expected) or (version and version != API_VERSION):
            group = str(version or API_VERSION).partition("/")[0]
            raise ConfigError(
                f"args for plugin {entry.name} were not of type {expected}.{API_VERSION.partition('/')[0]}, "
                f"got {kind or expected}.{group}"
            )
        try:
            return decode_fields(type(default), given).defaulted()
        except ConfigError as error:
            raise ConfigError(f"decoding args for plugin {entry.name}: {error}") from None
    except ConfigError as error:
        raise ConfigError(f"decoding .profiles[{profile}].pluginConfig[{place}]: {error}") from None


F = TypeVar("F", bound=Fields)


def decode_fields(kind: type[F], data: Mapping[str, Any]) -> F:
    """Read JSON-shaped data as a struct, null meaning absent.

    Raises:
        ConfigError: A field is unknown or of the wrong type; names its path.
    """
    try:
        return msgspec.convert(_without_nulls(data), kind)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `")
        path = place.rstrip("`").removeprefix("$").removeprefix(".")
        unknown = problem.removeprefix("Object contains unknown field `")
        if unknown != problem:
            name = ".".join(part for part in (path, unknown.rstrip("`")) if part)
            raise ConfigError(f'strict decoding error: unknown field "{name}"') from None
        raise ConfigError(f"{path}: {problem}" if path else problem) from None


def _without_nulls(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _without_nulls(value) for key, value in data.items() if value is not None}
    return [_without_nulls(item) for item in data] if isinstance(data, list | tuple) else data
