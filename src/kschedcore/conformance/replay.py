"""Replay recordings and count the results by version and family."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from kschedcore.conformance.files import read, stem
from kschedcore.conformance.formats import FORMATS, Format, format_of
from kschedcore.conformance.results import Case, CaseResult, Family
from kschedcore.errors import Interrupted, ManifestError

__all__ = ["replay"]


def replay(paths: Iterable[Path], *, show: int) -> list[Family]:
    """Replay every case of every file.

    Args:
        paths: The recordings.
        show: Maximum number of differences to keep for each family.

    Returns:
        The families in the order of their first cases.

    Raises:
        ManifestError: A file is not a recording, holds no case, or holds a case of no known kind.
        Interrupted: Ctrl-C; the exception's ``decisions`` are the families with the cases replayed until then.
    """
    families: dict[tuple[str, str], Family] = {}
    try:
        _replay_all(paths, families, show=show)
    except KeyboardInterrupt as error:
        raise Interrupted(list(families.values())) from error
    return list(families.values())


def _replay_all(paths: Iterable[Path], families: dict[tuple[str, str], Family], *, show: int) -> None:
    for path in paths:
        cases = 0
        for cases, case in enumerate(read(path), start=1):
            form = format_of(case)
            if form is None:
                known = ", ".join(each.name for each in FORMATS)
                raise ManifestError(f"not a known kind of case ({known})", source=str(path), document=cases)
            case_id = str(case.get("id", f"{stem(path)}-{cases}"))
            name = case_id if form.family_is_id else stem(path)
            start = time.perf_counter()
            result = _guarded(form, case)
            seconds = time.perf_counter() - start
            version = str(case.get("kubernetes", ""))
            family = families.setdefault((version, name), Family(name, version=version))
            family.add(case_id, result, seconds, show=show)
        if not cases:
            raise ManifestError("holds no cases", source=str(path))


def _guarded(form: Format, case: Case) -> CaseResult:
    # An exception fails one case only.
    try:
        return form.replay(case)
    except Exception as error:
        return CaseResult(form.steps(case), (), f"{type(error).__name__}: {error}")
