"""What a file may name: our contracts and the user's own build functions, and nothing that merely can be called."""

from __future__ import annotations

import sys

import pytest
from toys import RampSource

from adapters import SpikeToRate
from hybrid import Adapter, Component
from hybrid.circuits import Circuit
from hybrid.errors import ConfigurationError, HybridError
from hybrid.experiment import Experiment
from hybrid.experiment.references import resolve
from hybrid.masses import Epileptor, MassModel

FILE = """
[run]
duration_ms = 20

[connectome]
source = "three.npz"

[components.source]
kind = "toys:RampSource"
parameters = {size = 2}

[components.relay]
kind = "toys:Accumulator"

[connections.wire]
from = "source.rate"
to = "relay.in"
weight = 1
delay_ms = 1
"""


def experiment(folder, extra, name="experiment.toml"):
    (folder / name).write_text(FILE.replace('[connectome]\nsource = "three.npz"\n', "") + extra, encoding="utf-8")
    return Experiment.load(folder / name)


@pytest.fixture
def touched(tmp_path):
    """A file that exists if a shell was run."""
    return tmp_path / "touched"


# what anybody's Python has, as a class, a function or a module that does something when it is imported
STRANGERS = [
    "subprocess:run", "subprocess:Popen", "os:system", "os:popen", "builtins:exec", "builtins:eval", "builtins:dict", "pty:spawn",
    "runpy:run_path", "shutil:rmtree", "antigravity:x", "this:x", "idlelib.idle:x", "test.autotest:x", "numpy.testing:runstring",
    "numpy:load", "numpy:ndarray", "scipy:test", "hybrid.cli:main", "hybrid.cli:os", "hybrid.commands.running:_run",
    "hybrid:Results", "hybrid.experiment.references:importlib",
    "pip.__main__:x", "hybrid.circuits:Readout", "toys:np", "toys:silent_inputs",
]  # fmt: skip
NO_NAMES = [
    ":x", "x:", ":", "", "a:b:c", "..toys:Relay", "toys.:Relay", "toys:Relay.__init__", "toys: Relay", "toys:Relay()",
    "a\x00b:c", "é!:x", "x" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("reference", [*STRANGERS, *NO_NAMES])
@pytest.mark.parametrize("place", ["adapter", "kind", "model", "circuit", "coupling"])
def test_what_is_not_meant_for_experiments_is_refused(tmp_path, place, reference):
    contract = {"adapter": Adapter, "kind": Component, "model": MassModel, "circuit": Circuit, "coupling": Epileptor}[
        place
    ]
    before = set(sys.modules)
    with pytest.raises(ConfigurationError):
        resolve(reference, "adapters", tmp_path, contract)
    assert not {"antigravity", "this", "idlelib.idle", "test.autotest", "pip.__main__"} & (set(sys.modules) - before)


WIRE = '[connections.w]\nfrom="source.rate"\nto="relay.in"\nweight=1\ndelay_ms=1\n'


@pytest.mark.parametrize(
    "extra",
    [
        WIRE + 'adapter={kind="subprocess:run", args="touch TOUCHED", shell=true}',
        WIRE + 'adapter={kind="os:system", command="touch TOUCHED"}',
        '[components.c]\ncircuit="subprocess:run"\nparameters={args="touch TOUCHED", shell=true}',
        '[components.c]\nkind="subprocess:Popen"\nparameters={args="touch TOUCHED", shell=true}',
        "[components.c]\nkind=\"numpy.testing:runstring\"\nparameters={astr=\"open('TOUCHED', 'w')\", dict={}}",
        '[components.c]\ncircuit="own_imports:run"\nparameters={args="touch TOUCHED", shell=true}',
        '[components.c]\ncircuit="own_imports:system"\nparameters={command="touch TOUCHED"}',
    ],
)
def test_a_file_alone_runs_no_shell(tmp_path, touched, extra):
    (tmp_path / "own_imports.py").write_text("from os import system\nfrom subprocess import run\n", encoding="utf-8")
    with pytest.raises(HybridError):
        experiment(tmp_path, extra.replace("TOUCHED", str(touched))).simulation()
    assert not touched.exists()


# -- files beside the experiment ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hybrid", "adapters", "math", "numpy", "statistics", "colorsys"])
def test_a_file_beside_takes_no_installed_module_s_place(tmp_path, touched, name):
    (tmp_path / f"{name}.py").write_text(f"open({str(touched)!r}, 'w')\nclass SpikeToRate: pass\n", encoding="utf-8")
    sys.modules.pop("colorsys", None)
    (tmp_path / "lazy_reader.py").write_text(
        "import colorsys, statistics\nfrom toys import RampSource\n", encoding="utf-8"
    )
    sys.modules.pop("lazy_reader", None)
    assert resolve("SpikeToRate", "adapters", tmp_path, Adapter) is SpikeToRate
    assert resolve("adapters:SpikeToRate", "adapters", tmp_path, Adapter) is SpikeToRate
    assert resolve("lazy_reader:RampSource", "hybrid", tmp_path, Component) is RampSource
    with pytest.raises(ConfigurationError):
        resolve(f"{name}:Mine", "adapters", tmp_path, Adapter)
    assert not touched.exists()


def test_a_file_that_an_installed_module_hides_is_told(tmp_path):
    (tmp_path / "adapters.py").write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"adapters: 'Mine' does not exist.*adapters.py is not used"):
        resolve("adapters:Mine", "adapters", tmp_path, Adapter)
    (tmp_path / "h5py.py").write_text("", encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"h5py.py is not used, as an installed module has its name: rename it"
    ):
        resolve("h5py:Mine", "adapters", tmp_path, Adapter)


OWN = """
from functools import partial
from os import system
from adapters import SpikeToRate
from hybrid.circuits import Circuit
from own_helpers import helped

class Own(SpikeToRate):
    pass

def build(cells=3):
    return cells

wrapped = partial(system, "true")
lambda_build = lambda: 3

def _private():
    pass
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own_module.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "own_helpers.py").write_text("def helped():\n    return 3\n", encoding="utf-8")
    yield tmp_path
    for name in ("own_module", "own_helpers"):
        sys.modules.pop(name, None)


def test_classes_and_functions_of_ones_own_are_found_beside_the_file(own):
    assert resolve("own_module:Own", "adapters", own, Adapter).__name__ == "Own"
    assert resolve("own_module:build", "hybrid.circuits", own, Circuit)(5) == 5
    assert resolve("own_module:lambda_build", "hybrid.circuits", own, Circuit)() == 3
    assert resolve("own_helpers:helped", "hybrid.circuits", own, Circuit)() == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("helped", "is a function that is not meant for experiments; .* declares what it makes, def helped"),
        ("system", "is a builtin_function_or_method; name a class or function that makes a Circuit"),
        ("wrapped", "is a partial; name a class or function"),
        ("_private", "names something private"),
        ("Own", "is a class, but not derived from Circuit"),
    ],
)  # fmt: skip
def test_what_is_only_imported_there_or_private_is_refused(own, name, text):
    with pytest.raises(ConfigurationError, match=text):
        resolve(f"own_module:{name}", "hybrid.circuits", own, Circuit)


def test_a_package_beside_the_file_is_found_with_all_its_parts(tmp_path):
    package = tmp_path / "own_package"
    package.mkdir()
    (package / "__init__.py").write_text("from own_package.inner import build\n", encoding="utf-8")
    (package / "inner.py").write_text("def build():\n    return 7\n", encoding="utf-8")
    assert resolve("own_package:build", "hybrid.circuits", tmp_path, Circuit)() == 7
    assert resolve("own_package.inner:build", "hybrid.circuits", tmp_path, Circuit)() == 7


def test_each_experiment_gets_the_module_beside_it(tmp_path):
    for folder, value in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own_twin.py").write_text(f"def build():\n    return {value}\n", encoding="utf-8")
    found = [
        resolve("own_twin:build", "hybrid.circuits", tmp_path / folder, Circuit)() for folder in ("one", "two", "one")
    ]
    assert found == [1, 2, 1]


def test_an_installed_function_is_taken_if_it_declares_what_it_makes(tmp_path):
    assert resolve("hybrid.masses:basal_ganglia", "hybrid", tmp_path, Component).__name__ == "basal_ganglia"
    reference = "hybrid.circuits.potassium:potassium_focus"
    assert resolve(reference, "hybrid.circuits", tmp_path, Circuit).__name__ == "potassium_focus"
    with pytest.raises(ConfigurationError, match="potassium_focus' is a function that is not meant"):
        resolve(reference, "adapters", tmp_path, Adapter)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_module", r"cannot be imported \(No module named 'no_such_module'\)"),
        ("x = (", r"importing 'own_broken' fails with SyntaxError: .* \(.*, line \d+\)"),
        (
            "\n1 / 0",
            r"importing 'own_broken' fails with ZeroDivisionError: division by zero \(.*own_broken.py, line 2\)",
        ),
        ("import sys\nsys.exit(0)", "importing 'own_broken' fails with SystemExit: 0"),
        ("from adapters import SpikeToRate\nSpikeToRate(-1)", "importing 'own_broken' fails with ConfigurationError: "),
    ],
)
def test_a_module_that_cannot_be_imported_is_told_with_its_line(tmp_path, text, message):
    (tmp_path / "own_broken.py").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message):
        resolve("own_broken:Mine", "adapters", tmp_path, Adapter)
    assert "own_broken" not in sys.modules


FAILING = """
from hybrid import Adapter, Component
from adapters import SpikeToRate
from toys import Toy

class Broken(Toy):
    def __init__(self, name):
        super().__init__(name)
        self.missing["x"]

class Portless(Component):
    def __init__(self, name):
        self.name = name
    prepare = advance = state = restore = None

class Deep(Toy):
    def __init__(self, name):
        self.__init__(name)

def nothing(name):
    return None
"""


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("own_failing:Broken", "own_failing:Broken cannot be made of .*: AttributeError: 'Broken' object has no"),
        ("own_failing:Portless", "the ports of Portless cannot be read"),
        ("own_failing:Deep", ".*cannot be made of .*: RecursionError"),
        ("own_failing:nothing", "own_failing:nothing made None"),
        ("hybrid:Component", "hybrid:Component is abstract"),
        ("hybrid.masses:MassNetwork", "hybrid.masses:MassNetwork needs connectome, model"),
    ],
)  # fmt: skip
def test_what_its_constructor_raises_is_told_with_the_table(tmp_path, kind, message):
    (tmp_path / "own_failing.py").write_text(FAILING, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"^experiment.toml: \[components.c\] " + message):
        experiment(tmp_path, f'[components.c]\nkind = "{kind}"\n').brain()
