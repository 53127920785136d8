"""Tables and documents, to the character."""

from __future__ import annotations

import json

import pytest
import yaml

from kschedcore.cli.output import Output, columns, document, emit


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    printed = columns(["NAME", "NODE"], [["web-0", "a-long-name"], ["b", "n"]])
    assert printed == "NAME    NODE\nweb-0   a-long-name\nb       n\n"


def test_numbers_stand_to_the_right() -> None:
    assert columns(["NODE", "SCORE"], [["a", 9], ["b", 100]]) == "NODE   SCORE\na          9\nb        100\n"


def test_without_headers_only_the_rows_decide_the_width() -> None:
    assert columns(["A-LONG-HEADER", "B"], [["x", "y"]], show_headers=False) == "x   y\n"


def test_no_rows_print_nothing() -> None:
    assert columns(["NAME"], []) == ""


@pytest.mark.parametrize(("output", "parse"), [(Output.json, json.loads), (Output.yaml, yaml.safe_load)])
def test_documents_have_version_and_kind(
    output: Output, parse: object, capsys: pytest.CaptureFixture[str]
) -> None:
    emit(document("Thing", name="größe", count=3), output)
    printed = capsys.readouterr().out
    assert callable(parse)
    assert parse(printed) == {
        "apiVersion": "kschedcore.dev/v1alpha1",
        "kind": "Thing",
        "name": "größe",
        "count": 3,
    }
    assert list(parse(printed)) == ["apiVersion", "kind", "name", "count"]
