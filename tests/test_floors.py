"""The architecture: an import may only point down, and heavy libraries stay behind their doors."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest
from floors import ADAPTERS_MAY, ASIDE, FLOORS, ROOT

FLOOR = {name: k for k, floor in enumerate(FLOORS) for name in floor}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> list[tuple[str, bool]]:
    """Every imported module, also inside functions, and whether only the type checker imports it."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [f"{node.module}.{each.name}" for each in node.names] if node.module == "hybrid" else [node.module]
            found += [(name, id(node) in typing_only) for name in names]
        elif isinstance(node, ast.ImportFrom):
            pytest.fail(f"{path}: relative import; write it in full")
        elif isinstance(node, ast.Import):
            found += [(each.name, id(node) in typing_only) for each in node.names]
    return found


def room(path: Path) -> str:
    """The part of ``hybrid`` a file belongs to: its module or its folder."""
    return path.relative_to(ROOT / "hybrid").parts[0].removesuffix(".py")


def test_every_room_has_a_floor():
    rooms = {room(path) for path in modules("hybrid")} - {"__init__"}
    assert rooms - ASIDE == set(FLOOR)


@pytest.mark.parametrize("path", modules("hybrid"), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    here = room(path)
    if here == "__init__":
        return
    for name, typing_only in imports(path):
        if not name.startswith("hybrid."):
            continue
        there = name.split(".")[1]
        if there == here or typing_only or there == "__version__":
            continue
        if there in ASIDE:
            assert here in ASIDE | {"cli", "commands"}, f"{path} imports {name}, which only reads results"
        elif here not in ASIDE:
            assert FLOOR[there] <= FLOOR[here], (
                f"{path} (floor {FLOOR[here] + 1}) imports {name} (floor {FLOOR[there] + 1})"
            )


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_modules(path: Path) -> set[str]:
    """The modules of ``hybrid`` that a file imports, also for the type checker only; of a package its ``__init__``."""
    every, found = {module_name(each) for each in modules("hybrid")}, set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{each.name}" for each in node.names}
            found |= inner & every or {node.module} & every
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names} & every
    return found


@pytest.mark.parametrize("name", sorted({room(path) for path in modules("hybrid")} - {"__init__"}))
def test_no_circles_inside_a_room(name):
    """A package may import its modules, and no module its own package: that would be a circle."""
    here = {module_name(path): path for path in modules("hybrid") if room(path) == name}
    graph = nx.DiGraph((module, other) for module, path in here.items() for other in imported_modules(path) & set(here))
    circles = [sorted(each) for each in nx.strongly_connected_components(graph) if len(each) > 1]
    assert not circles
    own = [(module, other) for module, other in graph.edges if module.startswith(f"{other}.")]
    assert not own, "a module imports from its own package; import from the module where the name is defined"


def test_hybrid_never_imports_adapters():
    for path in modules("hybrid"):
        assert not [name for name, _ in imports(path) if name.split(".")[0] == "adapters"], path


def test_adapters_import_only_their_contract():
    for path in modules("adapters"):
        used = {name.split(".")[1] for name, _ in imports(path) if name.startswith("hybrid.")}
        assert used <= ADAPTERS_MAY, f"{path} imports {used - ADAPTERS_MAY}"


@pytest.mark.parametrize(
    ("library", "door"),
    [("mpi4py", "hybrid/run/transport/mpi.py"), ("brian2", "hybrid/circuits/"), ("h5py", "hybrid/results/")],
)
def test_heavy_libraries_have_one_door(library, door):
    for path in [*modules("hybrid"), *modules("adapters")]:
        if any(name.split(".")[0] == library for name, _ in imports(path)):
            assert str(path.relative_to(ROOT)).startswith(door), f"{path} imports {library}; only {door} may"


def test_importing_hybrid_imports_nothing_that_takes_long():
    heavy = {"brian2", "mpi4py", "matplotlib", "scipy.signal", "scipy.stats"}
    code = f"import hybrid, adapters, sys; sys.exit(' '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
