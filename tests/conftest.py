"""Settings and fixtures of all tests: an error that a component logs fails the test that caused it."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# No test depends on how fast the machine is, and each run tries the same examples. `make fuzz` tries new ones, and
# so does `pytest --hypothesis-profile=explore`.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("tests", settings.get_profile("explore"), derandomize=True)
settings.load_profile("tests")

# A shell starts background jobs with SIGINT ignored, which processes inherit; tests of Ctrl-C need its default.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class _Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def logged_errors() -> Iterator[list[logging.LogRecord]]:
    """The errors that components log; a test that expects some removes them from the list."""
    handler = _Errors()
    logger = logging.getLogger("kschedcore")
    logger.addHandler(handler)
    yield handler.records
    logger.removeHandler(handler)


@pytest.fixture(autouse=True)
def no_logged_errors(logged_errors: list[logging.LogRecord]) -> Iterator[None]:
    """Components go on when one key fails, so a test must look into the log to notice."""
    yield
    messages = [
        f"{record.getMessage()}: {record.exc_info and record.exc_info[1]!r}" for record in logged_errors
    ]
    assert messages == []
