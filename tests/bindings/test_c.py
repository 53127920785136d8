"""The header as a C compiler sees it, and bindings/c compiled and run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from tests.bindings.abi import LAYOUT, OPTIONS
from tests.docs.pages import DOCS, fences
from tests.project.environments import ROOT, run

import kschedcore

C = ROOT / "bindings/c"


@pytest.fixture(scope="module")
def compiler() -> str:
    found = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    assert found, "the tests need a C compiler, as building the package does"
    return found


def test_the_layout_is_the_one_that_programs_were_compiled_for(compiler: str, tmp_path: Path) -> None:
    members = [("kschedcore_api", name) for name in LAYOUT] + [
        ("kschedcore_options", name) for name in OPTIONS
    ]
    prints = "".join(f'printf("%zu\\n", offsetof({kind}, {name}));' for kind, name in members)
    source = tmp_path / "layout.c"
    source.write_text(
        "#include <kschedcore.h>\n#include <stddef.h>\n#include <stdio.h>\n"
        f'int main(void) {{ {prints} printf("%zu\\n%zu\\n", sizeof(kschedcore_api), sizeof(kschedcore_options)); }}'
    )
    include = f"-I{kschedcore.get_include()}"
    run(compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", include, source, "-o", "layout", cwd=tmp_path)
    found = [int(line) for line in run(tmp_path / "layout", cwd=tmp_path).split()]
    end = max(LAYOUT.values()) + 8
    assert found == [*LAYOUT.values(), *OPTIONS.values(), end, 24]


def test_the_header_is_cplusplus_too(compiler: str, tmp_path: Path) -> None:
    source = tmp_path / "header.cpp"
    source.write_text("#include <Python.h>\n#include <kschedcore.h>\n")
    python = f"-I{sysconfig.get_config_var('INCLUDEPY')}"
    run(
        compiler,
        "-x",
        "c++",
        "-Wall",
        "-Wno-register",
        "-fsyntax-only",
        python,
        f"-I{kschedcore.get_include()}",
        source,
        cwd=tmp_path,
    )


EXPECTED = [
    "web-0 -> big",
    "web-1 -> big",
    "web-2 -> spot",
    "batch-0 -> big",
    "batch-1 -> 0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate,",
    "huge -> 0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate,",
    "again: pod default/web-0 is not bound to a node",
]


def assert_placed(printed: str) -> None:
    *lines, explanation = printed.splitlines()
    assert [line.partition(" preemption:")[0] for line in lines] == EXPECTED
    document = json.loads(explanation)
    assert (document["name"], document["node"], document["rejected"]) == ("late", "big", {})


def test_a_program_without_python_on_top_places_pods(tmp_path: Path) -> None:
    run("make", "-s", "-C", C, f"BUILD={tmp_path}", f"PYTHON={sys.executable}", "CFLAGS=-O1", cwd=tmp_path)
    assert_placed(run(tmp_path / "example", cwd=tmp_path))
    assert_placed(run(tmp_path / "example", sys.executable, cwd=tmp_path))
    wrong = subprocess.run(
        [tmp_path / "example", "/none/python"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert wrong.stderr.strip()


def test_the_guide_shows_what_the_program_prints(tmp_path: Path) -> None:
    run("make", "-s", "-C", C, f"BUILD={tmp_path}", f"PYTHON={sys.executable}", "CFLAGS=-O0", cwd=tmp_path)
    placed = run(tmp_path / "example", cwd=tmp_path).partition("again: ")[0]
    shown = [fence.text for fence in fences((DOCS / "guides/embedding-in-c.md").read_text())]
    assert placed in shown


def test_a_program_compiled_for_another_abi_is_refused(tmp_path: Path) -> None:
    header = Path(kschedcore.get_include(), "kschedcore.h").read_text()
    newer = header.replace("KSCHEDCORE_ABI_VERSION 1u", "KSCHEDCORE_ABI_VERSION 2u")
    assert newer != header
    (tmp_path / "kschedcore.h").write_text(newer)
    build = ("make", "-s", "-C", C, f"BUILD={tmp_path}", f"PYTHON={sys.executable}", "CFLAGS=-O0")
    run(*build, f"HEADERS={tmp_path}", cwd=tmp_path)
    refused = subprocess.run([tmp_path / "example"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("ImportError: kschedcore has ABI 1 of ")
    assert "this program was compiled for ABI 2 of " in refused.stderr


def test_threads_of_the_programs_own_share_an_engine(compiler: str, tmp_path: Path) -> None:
    """300 pods of 10 millicores leave 61000 on a node of 64 cores: one more does not fit."""
    run("make", "-s", "-C", C, f"BUILD={tmp_path}", f"PYTHON={sys.executable}", "CFLAGS=-O1", cwd=tmp_path)
    sources = (Path(__file__).with_name("threads.c"), C / "batch.c")
    include = (f"-I{kschedcore.get_include()}", f"-I{C}")
    library = (f"-L{tmp_path}", "-lkschedcore", f"-Wl,-rpath,{tmp_path}", "-pthread")
    run(
        compiler,
        "-std=gnu11",
        "-Wall",
        "-Werror",
        *include,
        *sources,
        *library,
        "-o",
        "threads",
        cwd=tmp_path,
    )
    wrong, explanation = run(tmp_path / "threads", cwd=tmp_path).splitlines()
    assert wrong == "0 wrong"
    assert json.loads(explanation)["rejected"]["n"]["reasons"] == ["Insufficient cpu"]


def test_the_sanitizers_find_nothing(tmp_path: Path) -> None:
    assert_placed(
        run("make", "-s", "-C", C, f"BUILD={tmp_path}", f"PYTHON={sys.executable}", "sanitized", cwd=tmp_path)
    )
