"""The admission chain: the steps of a write between the request and the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from kschedcore.api.machinery.kinds import kind_by_path
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.status import StatusError, bad_request, invalid
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Object
from kschedcore.api.schema import schema_for
from kschedcore.api.schema.decode import DecodeError, json_type
from kschedcore.api.versions import DEFAULT, Release
from kschedcore.apiserver import strategies
from kschedcore.apiserver.admission.plugins import Plugin, default_plugins
from kschedcore.apiserver.admission.plugins.base import BasePlugin
from kschedcore.apiserver.admission.types import (
    AdmissionRequest,
    Decoded,
    FieldValidation,
    ObjectReader,
    Operation,
)
from kschedcore.rules.defaults import default
from kschedcore.rules.preparation.workloads import TEMPLATE_GENERATION, is_integer
from kschedcore.rules.reading import decoder_of
from kschedcore.rules.validation.device_claims import admin_access
from kschedcore.rules.validation.device_status import admin_access_granted
from kschedcore.rules.validation.kinds import (
    validate_create,
    validate_status_update,
    validate_update,
    validate_version,
)
from kschedcore.rules.validation.pod_resize import validate_resize

__all__ = ["AdmissionChain"]

_SCHEME = "pkg/api/legacyscheme/scheme.go:30"


class _Steps(NamedTuple):
    """The steps of the plugins for one kind, operation and subresource, without those that do nothing.

    Attributes:
        may_change: Of each plugin that may change an object, whether it may change the object of a request.
        admit: The mutating steps.
        review: The validating steps.
    """

    may_change: tuple[Callable[[AdmissionRequest], bool], ...]
    admit: tuple[Callable[[AdmissionRequest], None], ...]
    review: tuple[Callable[[AdmissionRequest], None], ...]


class AdmissionChain:
    """Kubernetes' admission: decoder, defaults, plugins, strategies and validation.

    Implements :class:`kschedcore.apiserver.admission.types.Admission`.

    Args:
        reader: The store that plugins read, and in which quotas are charged.
        plugins: The plugins to use instead of the default ones, in order.
        release: The Kubernetes version and feature gates that the default plugins follow.
    """

    def __init__(
        self, reader: ObjectReader, plugins: tuple[Plugin, ...] | None = None, release: Release = DEFAULT
    ) -> None:
        self._reader = reader
        self._plugins = default_plugins(reader, release=release) if plugins is None else plugins
        self._steps_of: dict[tuple[str, Operation, str], _Steps] = {}
        self._decoders: dict[tuple[str, str], Callable[[Any], tuple[Object, list[str]]] | None] = {}

    def decode(self, resource: Resource, body: Object, validation: FieldValidation = "Warn") -> Decoded:
        """Decode ``body`` as ``resource``; 400 with the decoder's message if it is invalid."""
        kind, api_version = resource.kind, resource.api_version
        try:
            decoder = self._decoders[kind, api_version]
        except KeyError:
            decoder = self._decoders[kind, api_version] = _decoder(resource)
        if decoder is None:
            return Decoded(body)
        if body.get("kind") != kind or body.get("apiVersion") != api_version:
            _check_type(resource, body)
        try:
            obj, unknown = decoder(body)
        except DecodeError as fault:
            raise _unreadable(resource, str(fault)) from None
        if kind == "DaemonSet":
            _check_template_generation(resource, obj)
        obj["apiVersion"], obj["kind"] = api_version, kind
        if not unknown:
            return Decoded(obj)
        warnings = tuple(f'unknown field "{path}"' for path in unknown)
        if validation == "Strict":
            raise _unreadable(resource, f"strict decoding error: {', '.join(warnings)}")
        return Decoded(obj, () if validation == "Ignore" else warnings)

    def default(self, resource: Resource, obj: Object) -> None:
        """Fill in API defaults, in place."""
        default(resource.kind, obj)

    def may_change(self, request: AdmissionRequest) -> bool:
        """Return whether a plugin or the kind's strategy may change the written object."""
        if strategies.may_change(request):
            return True
        return any(may_change(request) for may_change in self._steps(request).may_change)

    def admit(self, request: AdmissionRequest) -> None:
        """Run the mutating plugins, in order."""
        for admit in self._steps(request).admit:
            admit(request)

    def prepare(self, request: AdmissionRequest) -> None:
        """Keep, reset or generate fields that the client does not control."""
        strategies.prepare(request)

    def validate(self, request: AdmissionRequest) -> None:
        """Validate (422 with every error), then allocate addresses and ports of a valid object."""
        obj, old, resource = request.object, request.old_object, request.resource
        if obj is None:
            return
        if request.operation is Operation.CREATE:
            errors = validate_create(resource.kind, obj, namespaced=resource.namespaced)
            if resource.kind in ("ResourceClaim", "ResourceClaimTemplate"):
                namespace = self._reader.get("namespaces", CLUSTER_SCOPE, request.namespace)
                errors = [*admin_access(obj, namespace), *errors]
        elif request.subresource == "status":
            errors = validate_status_update(resource.kind, obj, old or {}, namespaced=resource.namespaced)
            if resource.kind == "ResourceClaim":
                namespace = self._reader.get("namespaces", CLUSTER_SCOPE, request.namespace)
                errors = [*admin_access_granted(obj, old or {}, namespace), *errors]
        elif request.subresource == "resize":
            errors = validate_resize(obj, old or {})
        else:
            errors = validate_update(resource.kind, obj, old or {}, namespaced=resource.namespaced)
        if request.version:
            errors = [*errors, *validate_version(request.version, resource.kind, obj, old)]
        if errors:
            raise invalid(resource, request.name or obj["metadata"].get("name", ""), errors)
        strategies.complete(request, self._reader)

    def review(self, request: AdmissionRequest) -> None:
        """Run the validating plugins, in order; ResourceQuota, which charges quotas, is the last."""
        for review in self._steps(request).review:
            review(request)

    def _steps(self, request: AdmissionRequest) -> _Steps:
        key = (request.resource.kind, request.operation, request.subresource)
        steps = self._steps_of.get(key)
        if steps is None:
            steps = self._steps_of[key] = self._steps_for(*key)
        return steps

    def _steps_for(self, kind: str, operation: Operation, subresource: str) -> _Steps:
        plugins = [each for each in self._plugins if each.concerns(kind, operation, subresource)]
        admitting = [each for each in plugins if type(each).admit is not BasePlugin.admit]
        changing = [
            each
            for each in admitting
            if operation in each.changing or type(each).may_change is not BasePlugin.may_change
        ]
        return _Steps(
            may_change=tuple(each.may_change for each in changing),
            admit=tuple(each.admit for each in admitting),
            review=tuple(each.review for each in plugins if type(each).review is not BasePlugin.review),
        )


def _decoder(resource: Resource) -> Callable[[Any], tuple[Object, list[str]]] | None:
    """Return the decoder of a resource; None for one without a schema."""
    schema = schema_for(resource.api_version, resource.kind)
    if schema is None:
        return None
    kind = kind_by_path(resource.api_version, resource.plural)
    return decoder_of(schema.name, templated=kind is not None and kind.templated)


def _check_type(resource: Resource, body: Object) -> None:
    """Check the apiVersion and kind of a body, which may be absent but not different."""
    api_version = _type_field(body, "apiVersion") or resource.api_version
    kind = _type_field(body, "kind") or resource.kind
    if api_version == resource.api_version and kind == resource.kind:
        return
    if schema_for(api_version, kind) is None:
        why = f'no kind "{kind}" is registered for version "{api_version}" in scheme "{_SCHEME}"'
        raise _unreadable(resource, why, api_version, kind)
    if api_version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({api_version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    why = f"the kind in the data ({kind}) does not match the expected kind"
    raise _unreadable(resource, why, api_version, kind)


def _check_template_generation(resource: Resource, obj: Object) -> None:
    """Check the annotation, which Kubernetes decodes as a field (``Convert_v1_DaemonSet_To_apps_DaemonSet``)."""
    text = obj["metadata"].get("annotations", {}).get(TEMPLATE_GENERATION)
    if text is not None and not is_integer(text):
        raise _unreadable(resource, f'strconv.ParseInt: parsing "{text}": invalid syntax')


def _unreadable(resource: Resource, why: str, api_version: str = "", kind: str = "") -> StatusError:
    version = (api_version or resource.api_version).rpartition("/")[2]
    read_as = f"cannot be handled as a {resource.kind}"
    return bad_request(f'{kind or resource.kind} in version "{version}" {read_as}: {why}')


def _type_field(body: Object, name: str) -> str:
    value = body.get(name)
    if value is None or isinstance(value, str):
        return value or ""
    why = f"cannot unmarshal {json_type(value)} into Go struct field .{name} of type string"
    raise bad_request(f"couldn't get version/kind; json parse error: json: {why}")
