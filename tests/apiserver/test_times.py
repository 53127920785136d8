"""Times in every form of RFC 3339 are stored as the API writes them (``metav1.Time``, ``metav1.MicroTime``)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.schema import schema_for
from kschedcore.api.schema.decode import decode_object
from kschedcore.apiserver import APIServer


@pytest.mark.parametrize("text", ["{}+00:00", "{}.000Z", "{}.000000000-00:00"])
def test_an_object_that_was_read_can_be_written_back_with_its_times_in_another_form(text: str) -> None:
    server = APIServer()
    path = "/api/v1/namespaces/default/configmaps"
    _, made = server.request("POST", path, {"metadata": {"name": "a"}})
    time = made["metadata"]["creationTimestamp"]
    changed = {
        **made,
        "metadata": {**made["metadata"], "creationTimestamp": text.format(time.removesuffix("Z"))},
        "data": {"a": "1"},
    }
    code, written = server.request("PUT", f"{path}/a", changed)
    assert code == 200
    assert written["metadata"]["creationTimestamp"] == time


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_times_are_stored_in_utc(when: datetime, zone: timezone) -> None:
    moment = when.replace(tzinfo=UTC)
    text = moment.astimezone(zone).isoformat()
    kind = schema_for("coordination.k8s.io/v1", "Lease")
    assert kind is not None
    lease = {"metadata": {"name": "a", "creationTimestamp": text}, "spec": {"renewTime": text}}
    read, _ = decode_object(kind, lease)
    seconds = when.isoformat(timespec="seconds")
    assert read["metadata"]["creationTimestamp"] == f"{seconds}Z"
    assert read["spec"]["renewTime"] == f"{seconds}.{when.microsecond:06}Z"
    assert decode_object(kind, read)[0] == read


def test_times_at_the_ends_of_the_calendar_stay() -> None:
    kind = schema_for("v1", "ConfigMap")
    assert kind is not None
    for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        read, _ = decode_object(kind, {"metadata": {"creationTimestamp": text}})
        assert read["metadata"]["creationTimestamp"] == text


@pytest.mark.parametrize(
    "text", ["2026-01-01t00:00:00Z", "2026-01-01T00:00:00z", "2026-01-01", "2026-01-01 00:00:00Z"]
)
def test_other_forms_are_refused(text: str) -> None:
    body = {"metadata": {"name": "a", "creationTimestamp": text}}
    assert APIServer().request("POST", "/api/v1/namespaces/default/configmaps", body)[0] == 400
