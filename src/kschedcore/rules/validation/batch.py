"""Validation of Job and CronJob."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.conditions import is_true
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import (
    IMMUTABLE,
    fixed_fields,
    immutable,
    non_negative,
    one_of,
    read_selector,
    validate_label_selector,
)
from kschedcore.rules.validation.cron import schedule_problem
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    validate_metadata,
    validate_metadata_update,
)
from kschedcore.rules.validation.pods import validate_pod_template

__all__ = ["CREATE", "UPDATE"]

_COUNTS = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")
_UID_LABELS = ("batch.kubernetes.io/controller-uid", "controller-uid")
_NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")
_SCHEDULING = ("nodeSelector", "tolerations", "affinity", "schedulingGates")
# Names of pods are the Job's name with a suffix of eleven characters.
_MAX_CRON_JOB_NAME = 52


def _validate_job(job: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(job["metadata"], dns_subdomain_name, namespaced=True)
    yield from _generated_selector(job)
    yield from _job_spec(job["spec"], "spec")
    yield from _job_selector(job["spec"], "spec")


def _job_selector(spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    selector = spec.get("selector")
    if selector is None:
        yield fe.required(f"{path}.selector")
        return
    yield from validate_label_selector(selector, f"{path}.selector")
    labels = spec["template"]["metadata"].get("labels", {})
    try:
        matched = read_selector(selector).matches(labels)
    except ValueError:
        struct = fe.go_struct("v1.LabelSelector", selector)
        yield fe.invalid(f"{path}.selector", struct, "invalid label selector")
        return
    if not matched:
        detail = "`selector` does not match template `labels`"
        yield fe.invalid(f"{path}.template.metadata.labels", labels, detail)


def _generated_selector(job: dict[str, Any]) -> Iterator[FieldError]:
    """Check a generated selector: without ``manualSelector``, a Job selects pods with its uid."""
    spec, metadata = job["spec"], job["metadata"]
    if spec.get("manualSelector") or spec.get("selector") is None:
        return
    labels = spec["template"]["metadata"].get("labels", {})
    expected = {key: metadata.get("uid", "") for key in _UID_LABELS}
    expected.update({key: metadata.get("name", "") for key in _NAME_LABELS})
    for key, value in expected.items():
        if key not in labels:
            yield fe.required(f"spec.template.metadata.labels[{key}]", f"must be '{value}'")
        elif labels[key] != value:
            yield fe.invalid(f"spec.template.metadata.labels[{key}]", labels, f"must be '{value}'")
    try:
        generated = read_selector(spec["selector"]).matches(expected)
    except ValueError:
        return
    if not generated:
        struct = fe.go_struct("v1.LabelSelector", spec["selector"])
        yield fe.invalid("spec.selector", struct, "`selector` not auto-generated")


def _job_spec(spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    for key in _COUNTS:
        yield from non_negative(spec.get(key), f"{path}.{key}")
    mode = spec.get("completionMode")
    if mode is not None:
        yield from one_of(mode, ("NonIndexed", "Indexed"), f"{path}.completionMode")
        if mode == "Indexed" and "completions" not in spec:
            yield fe.required(f"{path}.completions", "when completion mode is Indexed")
    if spec.get("backoffLimitPerIndex") is not None and mode != "Indexed":
        detail = "requires indexed completion mode"
        yield fe.invalid(f"{path}.backoffLimitPerIndex", spec["backoffLimitPerIndex"], detail)
    yield from validate_pod_template(spec["template"], f"{path}.template")
    restart = spec["template"]["spec"]["restartPolicy"]
    if restart == "Always":
        detail = 'valid values: "OnFailure", "Never"'
        yield fe.required(f"{path}.template.spec.restartPolicy", detail)
    elif restart not in ("OnFailure", "Never"):
        yield fe.not_supported(f"{path}.template.spec.restartPolicy", restart, ("OnFailure", "Never"))
    elif restart != "Never" and "podFailurePolicy" in spec:
        detail = 'only "Never" is supported when podFailurePolicy is specified'
        yield fe.invalid(f"{path}.template.spec.restartPolicy", restart, detail)


def _validate_job_update(job: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(job["metadata"], old["metadata"])
    spec, was = job["spec"], old["spec"]
    yield from _job_spec(spec, "spec")
    yield from _job_selector(spec, "spec")
    elastic = spec.get("completionMode") == "Indexed" and spec.get("completions") == spec.get("parallelism")
    if not elastic:
        yield from immutable(spec.get("completions"), was.get("completions"), "spec.completions")
    yield from _template_update(_fixed_template(spec, old), was["template"])
    yield from fixed_fields("jobs.batch", job, old)


def _template_update(template: dict[str, Any], was: dict[str, Any]) -> Iterator[FieldError]:
    """Check the pod template; the server compares its metadata and spec separately since v1.36."""
    for key, struct in (("metadata", "v1.ObjectMeta"), ("spec", "core.PodSpec")):
        if template[key] != was[key]:
            yield fe.invalid(f"spec.template.{key}", fe.go_struct(struct, template[key]), IMMUTABLE)


def _fixed_template(spec: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Return the new template, with the old values of the fields that a suspended Job may change.

    These are scheduling directives (KEP-2926) and the resources of containers (KEP-5440, on since v1.36).
    """
    template, was = spec["template"], old["spec"]["template"]
    suspended = not old["status"].get("startTime") or is_true(old, "Suspended")
    if not old["spec"].get("suspend") or not suspended:
        return dict(template)
    munged = {key: value for key, value in template["spec"].items() if key not in _SCHEDULING}
    munged.update({key: value for key, value in was["spec"].items() if key in _SCHEDULING})
    for key in ("containers", "initContainers"):
        before = {each.get("name"): each.get("resources") for each in was["spec"].get(key) or ()}
        if munged.get(key):
            munged[key] = [
                {**each, "resources": before.get(each.get("name"), each.get("resources"))}
                for each in munged[key]
            ]
    metadata = {k: v for k, v in template["metadata"].items() if k not in ("labels", "annotations")}
    metadata.update({k: v for k, v in was["metadata"].items() if k in ("labels", "annotations")})
    return {**template, "spec": munged, "metadata": metadata}


def _validate_cron_job(cron_job: dict[str, Any]) -> Iterable[FieldError]:
    metadata = cron_job["metadata"]
    yield from validate_metadata(metadata, dns_subdomain_name, namespaced=True)
    yield from _cron_job_spec(cron_job["spec"])
    name = metadata.get("name", "")
    if len(name) > _MAX_CRON_JOB_NAME:
        yield fe.invalid("metadata.name", name, f"must be no more than {_MAX_CRON_JOB_NAME} characters")


def _validate_cron_job_update(cron_job: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(cron_job["metadata"], old["metadata"])
    yield from _cron_job_spec(cron_job["spec"])


def _cron_job_spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    schedule = spec.get("schedule", "")
    if not schedule:
        yield fe.required("spec.schedule")
    else:
        problem = schedule_problem(schedule)
        if problem:
            yield fe.invalid("spec.schedule", schedule, problem)
        if "TZ" in schedule:
            detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            yield fe.invalid("spec.schedule", schedule, detail)
    yield from non_negative(spec.get("startingDeadlineSeconds"), "spec.startingDeadlineSeconds")
    yield from _time_zone(spec.get("timeZone"))
    yield from one_of(spec["concurrencyPolicy"], ("Allow", "Forbid", "Replace"), "spec.concurrencyPolicy")
    template = spec["jobTemplate"]["spec"]
    yield from _job_spec(template, "spec.jobTemplate.spec")
    if template.get("manualSelector"):
        detail = "`manualSelector` is not supported in a job template"
        yield fe.invalid("spec.jobTemplate.spec.manualSelector", True, detail)
    for key in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        yield from non_negative(spec.get(key), f"spec.{key}")


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _time_zone(zone: str | None) -> Iterator[FieldError]:
    if zone is None:
        return
    if not zone:
        yield fe.invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string")
    elif zone.lower() == "local":
        detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        yield fe.invalid("spec.timeZone", zone, detail)
    elif zone != "UTC" and _time_zones() and zone not in _time_zones():
        yield fe.invalid("spec.timeZone", zone, f"unknown time zone {zone}")


CREATE = {"Job": _validate_job, "CronJob": _validate_cron_job}
UPDATE = {"Job": _validate_job_update, "CronJob": _validate_cron_job_update}
