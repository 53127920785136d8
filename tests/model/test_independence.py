"""The model shares no code with the package, or agreement between them would mean nothing."""

import ast
import sys
from pathlib import Path

HERE = Path(__file__).parent


def imported(path: Path) -> set[str]:
    """The modules that a file imports."""
    modules: set[str] = set()
    for statement in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Import):
            modules.update(alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            modules.add(statement.module or ".")
    return modules


def test_the_model_imports_only_itself_and_the_standard_library() -> None:
    sources = [path for path in HERE.rglob("*.py") if not path.name.startswith("test_")]
    assert len(sources) > 20
    modules = set().union(*map(imported, sources))
    foreign = {m for m in modules if m.split(".")[0] not in sys.stdlib_module_names}
    assert {m for m in foreign if not f"{m}.".startswith("tests.model.")} == set()
