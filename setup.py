"""Builds what is compiled: one extension per ``.pyx`` of the package.

Everything else about the package is in ``pyproject.toml``. Set ``KSCHEDCORE_CHECKED=1`` for a debug build in
which every index and every uninitialised view is checked.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCES = Path("src")
PACKAGE = SOURCES / "kschedcore"

# Cython's own helpers live once in this generated module instead of once in every extension: about a
# tenth of the size.
SHARED = "kschedcore._native._cyutility"

# Scores are kube-scheduler's integers, computed partly through IEEE doubles: no flag that lets the
# compiler reassociate, contract or approximate may be added here. No code reads the flags of floating-point exceptions,
# and as long as the compiler has to keep these right it makes no vectors of loops that choose between doubles.
UNIX = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-std=c11"]
EXACT = [] if sys.platform == "win32" else UNIX
CHECKED = os.environ.get("KSCHEDCORE_CHECKED") == "1"
SYMBOLS = ["-g0"] if EXACT and not CHECKED else []


DIRECTIVES = {
    "language_level": 3,
    "boundscheck": CHECKED,
    "initializedcheck": CHECKED,
    "wraparound": False,
    "cdivision": True,
    "embedsignature": True,
    "freethreading_compatible": False,
}


def extension(name: str, source: Path) -> Extension:
    """One extension module."""
    return Extension(
        name,
        [source.as_posix()],
        include_dirs=[np.get_include(), (PACKAGE / "include").as_posix()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        extra_compile_args=[*EXACT, *SYMBOLS],
    )


def extensions() -> list[Extension]:
    """One extension for each ``.pyx`` file, named after it, and the module they share."""
    found = [
        extension(".".join(path.relative_to(SOURCES).with_suffix("").parts), path)
        for path in sorted(PACKAGE.rglob("*.pyx"))
    ]
    shared = extension(SHARED, SOURCES.joinpath(*SHARED.split(".")).with_suffix(".c"))
    return cythonize(
        [shared, *found],
        compiler_directives=DIRECTIVES,
        shared_utility_qualified_name=SHARED,
        nthreads=os.cpu_count() or 1,
    )


setup(
    ext_modules=extensions(),
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
