"""The site: nothing is loaded from elsewhere, no markup shows, and it names its version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from kschedcore.version import __version__

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
SITE = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]


def test_no_font_comes_from_elsewhere() -> None:
    assert SITE["theme"]["font"] is False


def test_there_is_a_dark_scheme_with_a_toggle() -> None:
    schemes = {each["scheme"]: each for each in SITE["theme"]["palette"]}
    assert "dark" in schemes["slate"]["media"]
    assert all("toggle" in each for each in schemes.values())


def test_it_names_the_version() -> None:
    assert __version__ in SITE["copyright"]


def test_no_page_shows_roles_of_another_markup() -> None:
    shown = [
        path.name
        for path in PAGES
        if re.search(r":(?:class|meth|func|attr|mod|data|exc):`", path.read_text())
    ]
    assert shown == []


def test_no_page_loads_anything_from_elsewhere() -> None:
    loads = re.compile(
        r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?https?:|!\[[^\]]*\]\(https?:", re.IGNORECASE
    )
    assert [path.name for path in PAGES if loads.search(path.read_text())] == []


def test_every_page_is_in_the_navigation() -> None:
    named = set(re.findall(r"'([\w/.-]+\.md)'", str(SITE["nav"])))
    hidden = {"reference/migration.md"}
    assert {str(path.relative_to(ROOT / "docs")) for path in PAGES} - hidden == named


def test_a_built_site_requests_nothing_from_elsewhere() -> None:
    """The pages that ``make docs`` built, where it ran."""
    loads = re.compile(
        r"<(?:script|link|img|iframe)[^>]*\s(?:src|href)=[\"']?(https?://[^\"'\s>]+)", re.IGNORECASE
    )
    found = {
        request
        for path in (ROOT / "build/site").rglob("*.html")
        for request in loads.findall(path.read_text())
        if 'rel="canonical"' not in request
    }
    assert found == set()
