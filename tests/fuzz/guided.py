"""Coverage-guided fuzzing of the parsers with atheris: ``python -m tests.fuzz.guided TARGET [libFuzzer options]``.

A target takes bytes; it reads them as its parser does, or refuses them with the errors that it documents. Any other
exception is a fault, which atheris prints with the input. ``make fuzz-guided`` runs every target for a while.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["TARGETS", "main"]

ATHERIS = "atheris is not installed; it needs clang or a wheel: pip install atheris"


def _quantity(text: str) -> None:
    from kschedcore.api.quantity import Quantity

    with contextlib.suppress(ValueError):
        str(Quantity.parse(text))


def _durations(text: str) -> None:
    from kschedcore.api.durations import duration, parse_duration
    from kschedcore.errors import UsageError

    with contextlib.suppress(ValueError, UsageError):
        parse_duration(text)
    with contextlib.suppress(UsageError):
        duration(text)


def _selectors(text: str) -> None:
    from kschedcore.api.selectors import parse_field_selector, parse_selector

    for parse in (parse_selector, parse_field_selector):
        with contextlib.suppress(ValueError):
            parse(text)


def _cron(text: str) -> None:
    from kschedcore.apiserver import APIServer

    template = {"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}}
    spec = {"schedule": text, "jobTemplate": {"spec": {"template": template}}}
    path = "/apis/batch/v1/namespaces/default/cronjobs?dryRun=All"
    code, _ = _server(APIServer).request("POST", path, {"metadata": {"name": "c"}, "spec": spec})
    assert code in (201, 400, 422), code  # 400: no UTF-8


@cache
def _environment() -> Any:
    from kschedcore.cel import base_environment, types

    return base_environment().extended({"n": types.INT, "s": types.STRING})


def _cel(text: str) -> None:
    from kschedcore.cel import CelError, types

    with contextlib.suppress(CelError):
        _environment().compile(text, types.BOOL).evaluate({"n": 3, "s": "a.b/c"})


def _json_patch(text: str) -> None:
    _patched("application/json-patch+json", text)


def _merge_patch(text: str) -> None:
    _patched("application/strategic-merge-patch+json", text)


def _apply(text: str) -> None:
    _patched("application/apply-patch+yaml", text)


def _fields_v1(text: str) -> None:
    with contextlib.suppress(ValueError, RecursionError):
        fields = json.loads(text)
        entry = {
            "manager": "m",
            "operation": "Apply",
            "apiVersion": "v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        }
        _patched("application/merge-patch+json", json.dumps({"metadata": {"managedFields": [entry]}}))


def _manifests(text: str) -> None:
    import kschedcore as ks
    from kschedcore.errors import KschedcoreError

    path = Path(tempfile.gettempdir(), "guided-manifest.yaml")
    path.write_text(text, errors="replace")
    with contextlib.suppress(KschedcoreError):
        ks.load(path)


TARGETS: dict[str, Callable[[str], None]] = {
    "quantity": _quantity,
    "durations": _durations,
    "selectors": _selectors,
    "cron": _cron,
    "cel": _cel,
    "json-patch": _json_patch,
    "merge-patch": _merge_patch,
    "apply": _apply,
    "fieldsv1": _fields_v1,
    "manifests": _manifests,
}

SEEDS: dict[str, tuple[str, ...]] = {
    "quantity": ("1", "-1.5e3", "100m", "2Gi", "1E-9", "0.5n"),
    "durations": ("1h30m", "7d", "-1.5h", "100ms", "0"),
    "selectors": ("a=b,c!=d", "a in (b,c),!d", "x notin (y)", "metadata.name=x,status.phase!=Running"),
    "cron": ("*/5 * * * *", "0 0 1,15 * MON-FRI", "@every 1h", "@yearly"),
    "cel": ("n > 1 && s.startsWith('a')", "[1,2].all(x, x < n) || has({'a': 1}.a)",
            "quantity('1Gi').isGreaterThan(quantity('1'))"),
    "json-patch": ('[{"op":"add","path":"/data/b","value":"1"}]', '[{"op":"copy","from":"/data/a","path":"/data/c"}]',
                   '[{"op":"test","path":"/data/a","value":"1"},{"op":"move","from":"/data/a","path":"/data/b"}]'),
    "merge-patch": ('{"data":{"a":null}}', '{"metadata":{"$retainKeys":["x"],"finalizers":[{"$patch":"delete"}]}}'),
    "apply": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: x}\n",),
    "fieldsv1": ('{"f:data":{".":{},"f:a":{}}}', '{"f:metadata":{"k:{\\"name\\":\\"x\\"}":{},"v:1":{},"i:0":{}}}'),
    "manifests": ("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}\n",
                  "- &a [1]\n- *a\n", "a: !!binary 'x'\n---\n{\n"),
}  # fmt: skip
"""The first inputs of each target."""

INSTRUMENTED: dict[str, list[str]] = {
    "cron": ["kschedcore.api.cron", "kschedcore.rules.validation.cron"],
    "json-patch": ["kschedcore.apiserver.patches", "kschedcore.apiserver.patching"],
    "merge-patch": ["kschedcore.rules.patches", "kschedcore.api.schema"],
    "apply": ["kschedcore.apiserver.apply", "kschedcore.api.schema"],
    "fieldsv1": ["kschedcore.apiserver.apply"],
    "manifests": ["kschedcore.manifests", "kschedcore.api"],
}
"""The modules whose coverage guides a target; of others all that it imports."""

_servers: list[Any] = []


def _server(make: Any) -> Any:
    """Return the API server of this process, with one ConfigMap."""
    if not _servers:
        _servers.append(make())
        path = "/api/v1/namespaces/default/configmaps"
        _servers[0].request("POST", path, {"metadata": {"name": "c"}, "data": {"a": "1"}})
    return _servers[0]


def _patched(content_type: str, text: str) -> None:
    from kschedcore.apiserver import APIServer

    path = "/api/v1/namespaces/default/configmaps/c?dryRun=All&fieldManager=m"
    code, answer = _server(APIServer).request("PATCH", path, text, content_type)
    # As in Kubernetes, an apply of a field that the schema does not have is an internal error.
    assert 200 <= code < 500 or "failed to create typed patch object" in answer["message"], (code, answer)


def _run(target: Callable[[str], None], data: bytes) -> None:
    target(data.decode("utf-8", "surrogateescape" if data[:1] == b"\0" else "replace"))


def main() -> int:
    """Run one target until it is stopped, or as the options of libFuzzer say (``-max_total_time=60``)."""
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write(f"error: {ATHERIS}\n")
        return 2
    import atheris

    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.stderr.write(f"error: target {name!r}; expected one of {', '.join(TARGETS)}\n")
        return 2
    with atheris.instrument_imports(include=INSTRUMENTED.get(name, ["kschedcore"])):
        TARGETS[name](SEEDS[name][0])
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(SEEDS[name]):
            Path(corpus, str(number)).write_text(seed)
        atheris.Setup([sys.argv[0], *sys.argv[2:], corpus], lambda data: _run(TARGETS[name], data))
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
