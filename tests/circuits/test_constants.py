"""A number may stand anywhere in Brian2 code: as a value of the library it must do what it does as a literal."""

# ruff: noqa: F841  (Brian2 finds constants by their names)

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import brian2
import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    Synapses,
    TimedArray,
    check_units,
    implementation,
    ms,
    second,
)
from brian2.core.variables import Constant
from circuit_examples import FIBRES, alive, live, random_spikes

from hybrid.circuits import Afferents, Circuit, Readout
from hybrid.circuits.building import Recipe
from hybrid.circuits.compiled import engine
from hybrid.circuits.compiled.constants import Named, Values, _exponents, are_exact

pytestmark = pytest.mark.usefixtures("shared_cache")

STRICT = ["-w", "-O1", "-std=c++11", "-fno-math-errno", "-ffp-contract=off"]
TICKS = 200


@implementation("cpp", "double doubled(double x) { return 2 * x; }")
@check_units(x=1, result=1)
def doubled(x):
    return 2 * x


class Sweep(NamedTuple):
    """A value for every place where a constant may stand."""

    tau: Any = 10 * ms
    drive: float = 22.0
    power: float = 2.0
    threshold: float = 20.0
    reset: float = 3.0
    refractory: Any = 1 * ms
    weight: float = 1.5
    decay: float = 0.8
    chance: float = 0.4
    reach: float = 3.5
    delay: Any = 0.7 * ms
    latest: Any = 2 * ms
    start: float = 5.0
    alike: float = 0.25
    leak: float = 0.1
    noise: float = 0.5
    shadowed: float = 1.0
    never: Any = -np.inf * second
    whole: int = 3
    in_code: float = 1.25


OTHER = Sweep(
    11 * ms,
    24.5,
    2.0,
    19.0,
    2.5,
    1.5 * ms,
    1.25,
    0.7,
    0.6,
    2.5,
    1.1 * ms,
    3 * ms,
    4.0,
    0.5,
    0.2,
    0.75,
    3.0,
    -4 * second,
)


def everywhere(values: Sweep) -> Circuit:
    tau, drive, power, threshold, reset = values.tau, values.drive, values.power, values.threshold, values.reset
    dead, weight, decay, chance, reach = values.refractory, values.weight, values.decay, values.chance, values.reach
    latest, start, leak, noise, shadowed = values.latest, values.start, values.leak, values.noise, values.shadowed
    never, whole, in_code = values.never, values.whole, values.in_code
    wave = TimedArray(np.sin(np.arange(40.0)), dt=0.5 * ms)
    cells = NeuronGroup(
        40,
        """dv/dt = (doubled(drive) / 2 + wave(t) + u - v) / tau + noise * xi * tau**-0.5 : 1 (unless refractory)
           du/dt = leak * (v - u) / tau : 1
           gain = (v / 10)**power + v**whole / 1000 + shadowed : 1
           last : second
           alike : 1 (constant)
           common : 1 (shared, constant)
           seen : 1""",
        threshold="v > threshold",
        reset="v = reset; u += alike * in_code",
        refractory="dead + 0.2*ms",
        method="euler",
        namespace={
            "tau": tau, "drive": drive, "power": power, "threshold": threshold, "reset": reset, "dead": dead,
            "leak": leak, "noise": noise, "shadowed": 2 * shadowed, "in_code": in_code, "wave": wave, "doubled": doubled,
            "whole": whole, "start": start, "never": never,
        },
        name="cells",
    )  # fmt: skip
    cells.v = "start + rand() * threshold / 2"
    cells.u = values.start
    cells.alike = values.alike
    cells.common = values.alike
    cells.last = values.never
    cells.run_regularly("seen = gain + common * shadowed + int(last < -5*second)", dt=0.5 * ms)
    within = Synapses(
        cells,
        cells,
        "w : 1\ndx/dt = (1 - x) / tau : 1 (event-driven)",
        on_pre="v += weight * w * x\nx *= decay",
        name="within",
    )
    within.connect("i != j and abs(i - j) < reach * 3", p="chance")
    within.w = "weight * rand()"
    within.x = 1
    within.delay = "0.1*ms + rand() * latest"
    ring = Synapses(
        cells, cells, on_pre="u += weight / 10", on_post="seen_pre += weight", delay=values.delay, name="ring"
    )
    ring.connect(j="k for k in range(i - whole, i + whole) if rand() < chance", skip_if_invalid=True)
    fibres = Afferents(FIBRES, name="fibres")
    heard = Synapses(fibres, cells, on_pre="v += weight", name="heard")
    heard.connect(p=0.3)
    noisy = PoissonGroup(5, rates="drive * Hz * 10", namespace={"drive": drive}, name="noisy")
    from_noisy = Synapses(noisy, cells, on_pre="v += weight", name="from_noisy")
    from_noisy.connect(p=0.2)
    background = PoissonInput(cells, "u", 10, 20 * brian2.Hz, weight=0.01)
    return Circuit(
        Network(cells, within, ring, fibres, heard, noisy, from_noisy, background),
        inputs={"afferents": fibres},
        outputs={
            "spikes": cells,
            "v": Readout(cells, "v"),
            "gain": Readout(cells, "gain"),
            "seen": Readout(cells, "seen"),
        },
    )


@pytest.fixture
def strict():
    """Flags by which the compiler reorders nothing."""
    before = brian2.prefs["codegen.cpp.extra_compile_args_gcc"]
    brian2.prefs["codegen.cpp.extra_compile_args_gcc"] = STRICT
    yield
    brian2.prefs["codegen.cpp.extra_compile_args_gcc"] = before


def lived(values: Sweep, constants: str) -> dict[str, Any]:
    circuit = alive(everywhere, "compiled", parameters={"values": values}, constants=constants, name=constants)
    try:
        found = live(circuit, random_spikes(TICKS), [TICKS])
        state = circuit.state()
        del state["random"]  # whose padding is of no value
        return found | state
    finally:
        circuit.close()


@pytest.mark.parametrize("tried", [1, pytest.param(2, marks=pytest.mark.long)])
def test_values_do_what_literals_do_wherever_they_stand(tried, strict, compilations, monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path))
    sweeps = (Sweep(), OTHER)
    as_values = [lived(each, "auto") for each in sweeps]
    assert compilations == ["auto"]
    for values, sweep in zip(as_values, sweeps[:tried], strict=False):
        literals = lived(sweep, "literals")
        assert values["spikes"].shape[1] > 50
        assert [key for key in literals if values[key].tobytes() != literals[key].tobytes()] == []
    assert compilations == ["auto", *["literals"] * tried]
    for key in ("spikes", "v", "gain", "seen", "array/_array_within_w", "array/_array_ring_delay"):
        assert not np.array_equal(as_values[0][key], as_values[1][key]), key


def names_taken(values: Sweep, monkeypatch) -> set[str]:
    taken = set()

    def take(self, code_objects):
        original(self, code_objects)
        for code in code_objects:
            taken.update(k for k, v in code.variables.items() if isinstance(getattr(v, "value", None), Named))

    original = Values.take_constants
    monkeypatch.setattr(Values, "take_constants", take)
    engine._generate(Recipe("any", everywhere, {"values": values}), 1e-4, 1, "values")
    return taken


def test_which_constants_are_values(monkeypatch):
    taken = names_taken(Sweep(), monkeypatch)
    named = {"tau", "drive", "threshold", "reset", "dead", "leak", "noise", "shadowed", "in_code"}
    assert taken >= named | {"weight", "decay", "chance", "reach", "latest", "start"}
    assert not taken & {"power", "whole", "N", "ms", "Hz", "second"}  # an exponent, whole numbers, units


def test_bits_of_literals_are_kept_unless_asked(compilations, monkeypatch):
    """With -ffast-math, Brian2's choice and native's, the compiler computes with literals before it makes code of them."""
    monkeypatch.setenv("HYBRID_BITS", "native")
    units = [
        engine._generate(Recipe("any", everywhere, {"values": values}), 1e-4, 1, constants)[1]
        for values in (Sweep(), OTHER)
        for constants in ("auto", "literals", "values")
    ]
    text = [str(sorted(unit.sources.items())) for unit in units]
    assert text[0] == text[1]
    assert text[3] == text[4]
    assert text[0] != text[3]
    assert text[2] == text[5]


def test_portable_bits_are_those_of_values(monkeypatch):
    monkeypatch.setenv("HYBRID_BITS", "portable")
    texts = [
        str(sorted(engine._generate(Recipe("any", everywhere, {"values": values}), 1e-4, 1, "auto")[1].sources.items()))
        for values in (Sweep(), OTHER)
    ]
    assert texts[0] == texts[1]


def test_numbers_that_are_only_copied_never_need_a_compilation():
    def build(first, delay):
        cells = NeuronGroup(3, "x : 1\ny : 1 (shared)", threshold="False", reset="", name="cells")
        cells.x, cells.y = first, -first
        synapses = Synapses(cells, cells, on_pre="x += 1", delay=delay * ms, name="synapses")
        synapses.connect()
        return Circuit(Network(cells, synapses))

    def text(**parameters):
        return engine._generate(Recipe("any", build, parameters), 1e-4, 1)[1].sources

    assert text(first=1.5, delay=1.0) == text(first=-1e-7, delay=2.0) == text(first=1e300, delay=0.3)
    for first in (-2.5, 1e-7, np.inf, -np.inf):
        circuit = alive(build, "compiled", parameters={"first": first, "delay": 0.5})
        assert circuit.read("x").tolist() == [first] * 3
        assert circuit.read("y").tolist() == [-first]
        assert circuit.state()["array/_array_synapses_delay"].tolist() == [0.0005]
        circuit.close()


@pytest.mark.parametrize(
    ("flags", "exact"),
    [
        ("-O3 -ffp-contract=off", True),
        ("-O3", False),
        ("-O3 -ffast-math -ffp-contract=off", False),
        ("-Ofast -ffp-contract=off", False),
        ("-ffast-math -fno-fast-math -ffp-contract=off", True),
        ("-ffast-math -fno-associative-math -ffp-contract=off", False),
        ("-ffast-math -fno-associative-math -fno-reciprocal-math -ffp-contract=off", True),
        ("-ffp-contract=off -freciprocal-math", False),
        ("-ffp-contract=off -ffp-contract=fast", False),
        ("-funsafe-math-optimizations -ffp-contract=off", False),
    ],
)
def test_flags_that_keep_every_bit(flags, exact):
    assert are_exact(flags.split()) == exact


def test_exponents_are_found_through_what_is_computed_of_them():
    text = """
        const double _lio_1 = 1.0f*p/q;
        const double _lio_2 = r + _lio_1;
        x = _brian_pow(base(a, b), _lio_2 * (c + d)) + pow(e, f) * g; my_pow(h, k);"""
    assert _exponents(text) == {"_lio_1", "_lio_2", "p", "q", "r", "c", "d", "f"} | {"f"}


def test_all_constants_of_a_namespace_are_taken_by_name():
    constant = Constant("tau", np.float32(0.25))
    code = SimpleNamespace(
        code=SimpleNamespace(cpp_file="x = tau;"), before_after_blocks=[], variables={"tau": constant, "also": constant}
    )
    values = Values()
    values.take_constants([code])
    assert list(values) == [0.25, 0.25]
    assert [repr(each.value) for each in code.variables.values()] == ["value_0", "value_1"]
    assert constant.value == 0.25
