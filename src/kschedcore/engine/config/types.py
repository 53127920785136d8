"""The types of KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1)."""

from __future__ import annotations

from typing import Any

import msgspec

from kschedcore.engine.config.args import Fields, Int32

API_VERSION = "kubescheduler.config.k8s.io/v1"
KIND = "KubeSchedulerConfiguration"


class EnabledPlugin(Fields, frozen=True):
    """A plugin of a plugin set, by name; the weight is for Score, and 0 means 1."""

    name: str = ""
    weight: Int32 = 0


class PluginSet(Fields, frozen=True, kw_only=True):
    """The plugins that a profile enables and disables (``*``: all) at an extension point."""

    enabled: tuple[EnabledPlugin, ...] = ()
    disabled: tuple[EnabledPlugin, ...] = ()

    @property
    def disabled_names(self) -> frozenset[str]:
        """Names of the disabled plugins."""
        return frozenset(plugin.name for plugin in self.disabled)


class Plugins(Fields, frozen=True, kw_only=True):
    """Plugin sets by extension point; ``multiPoint`` applies to all points that a plugin implements."""

    multi_point: PluginSet = PluginSet()
    pre_enqueue: PluginSet = PluginSet()
    queue_sort: PluginSet = PluginSet()
    pre_filter: PluginSet = PluginSet()
    filter: PluginSet = PluginSet()
    post_filter: PluginSet = PluginSet()
    pre_score: PluginSet = PluginSet()
    score: PluginSet = PluginSet()
    reserve: PluginSet = PluginSet()
    permit: PluginSet = PluginSet()
    pre_bind: PluginSet = PluginSet()
    bind: PluginSet = PluginSet()
    post_bind: PluginSet = PluginSet()

    def at(self, point: str) -> PluginSet:
        """Return the set of an extension point, by the point's name in the file."""
        plugins: PluginSet = getattr(self, _ATTRIBUTES[point])
        return plugins


_ATTRIBUTES = {field.encode_name: field.name for field in msgspec.structs.fields(Plugins)}


class PluginConfig(Fields, frozen=True, kw_only=True):
    """The arguments of one plugin, as in the file."""

    name: str = ""
    args: dict[str, Any] | None = None


class ProfileFields(Fields, frozen=True, kw_only=True):
    """KubeSchedulerProfile."""

    scheduler_name: str | None = None
    percentage_of_nodes_to_score: Int32 | None = None
    plugins: Plugins = Plugins()
    plugin_config: tuple[PluginConfig, ...] = ()


class ExtenderManagedResource(Fields, frozen=True, kw_only=True):
    """An extended resource that an extender manages; ``ignoredByScheduler`` makes NodeResourcesFit ignore it."""

    name: str = ""
    ignored_by_scheduler: bool = False


class ExtenderTLSConfig(Fields, frozen=True, kw_only=True):
    """TLS settings of an extender; the ``…Data`` fields are base64 and take precedence over the files."""

    insecure: bool = False
    server_name: str = ""
    cert_file: str = ""
    key_file: str = ""
    ca_file: str = ""
    cert_data: bytes = b""
    key_data: bytes = b""
    ca_data: bytes = b""


class ExtenderFields(Fields, frozen=True, kw_only=True):
    """Extender: a process that takes part in scheduling over HTTP. A verb that is empty is not called.

    Attributes:
        http_timeout: A Go duration (``5s``, ``100ms``); empty or zero means five seconds.
        weight: Factor of the extender's scores (0 to 10).
    """

    url_prefix: str = ""
    filter_verb: str = ""
    preempt_verb: str = ""
    prioritize_verb: str = ""
    weight: int = 0
    bind_verb: str = ""
    enable_https: bool = msgspec.field(default=False, name="enableHTTPS")
    tls_config: ExtenderTLSConfig | None = None
    http_timeout: str = ""
    node_cache_capable: bool = False
    managed_resources: tuple[ExtenderManagedResource, ...] = ()
    ignorable: bool = False


class ConfigurationFields(Fields, frozen=True, kw_only=True):
    """KubeSchedulerConfiguration. Fields that only concern a kube-scheduler process are accepted unchecked."""

    api_version: str = ""
    kind: str = ""
    parallelism: Int32 = 16
    percentage_of_nodes_to_score: Int32 | None = None
    pod_initial_backoff_seconds: int = 1
    pod_max_backoff_seconds: int = 10
    profiles: tuple[ProfileFields, ...] = ()
    extenders: tuple[ExtenderFields, ...] = ()
    leader_election: dict[str, Any] = msgspec.field(default_factory=dict)
    client_connection: dict[str, Any] = msgspec.field(default_factory=dict)
    enable_profiling: bool = True
    enable_contention_profiling: bool = True
    delay_cache_until_active: bool = False
