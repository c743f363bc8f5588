"""What runs away is found and named, whichever variable it is and whether or not a port has to do with it."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, ms, mV, nan, second
from circuit_examples import alive, live

from hybrid.circuits import Circuit, Readout
from hybrid.circuits.watch import CHECK_EVERY_STEPS, VALUES_A_STEP, steps_between_searches
from hybrid.errors import DivergedError

pytestmark = [pytest.mark.usefixtures("shared_cache"), pytest.mark.filterwarnings("ignore::RuntimeWarning")]
BAD = "{0} += on * 0 + 1 / (1 - to_inf_{0} * on) - 1 + sqrt(1 - 2 * to_nan_{0} * on) - 1"


@pytest.fixture(params=["compiled", "runtime"])
def engine(request):
    return request.param


def kicked(variable: str = "", kind: str = "inf", size: int = 5) -> Circuit:
    """An output, cells nobody hears, and synapses; element 3 of ``variable`` becomes ``kind`` after 3 ms.

    What happens is given as arrays, so one compilation serves all.
    """
    heard = NeuronGroup(1, "dv/dt = 0/second : 1", threshold="v > 1", reset="v = 0", method="euler", name="heard")
    kicks = "".join(f"{key}_{each} : 1\n" for each in "xy" for key in ("to_inf", "to_nan"))
    quiet = NeuronGroup(size, f"dx/dt = -x/second : 1\ny : 1\nt_last : second\n{kicks}", method="euler", name="quiet")
    synapses = Synapses(
        quiet,
        heard,
        "w : 1\ndz/dt = -z/second : 1 (clock-driven)\n" + kicks.replace("_x", "_w").replace("_y", "_z"),
        on_pre="",
        method="euler",
        name="synapses",
    )
    synapses.connect(i=np.arange(size), j=np.zeros(size, int))
    quiet.t_last = -np.inf * second
    for group, names in ((quiet, "xy"), (synapses, "wz")):
        for name in names:
            for key in ("inf", "nan"):
                values = np.zeros(size)
                values[3] = (name, key) == (variable, kind)
                setattr(group, f"to_{key}_{name}", values)
        code = "\n".join(["on = int(t > 2.95*ms)", *(BAD.format(name) for name in names)])
        group.run_regularly(code.replace("on = ", "on = 1.0*"), name=f"{group.name}_kicks")
    return Circuit(Network(heard, quiet, synapses), outputs={"spikes": heard})


@pytest.mark.parametrize("kind", ["inf", "nan"])
@pytest.mark.parametrize("variable", ["quiet.x", "quiet.y", "synapses.w", "synapses.z"])
def test_every_variable_is_watched(variable, kind, engine):
    group, _, name = variable.partition(".")
    circuit = alive(kicked, engine, name="focus", parameters={"variable": name, "kind": kind})
    live(circuit, None, [25])
    found = "(inf|nan)" if name in "xz" else kind  # one step of an equation makes inf - inf of an infinity
    with pytest.raises(DivergedError, match=rf"circuit focus: {name} of {group}\[3\] is {found} by t = (3\.\d|4) ms"):
        live(circuit, None, [40])  # shorter than the stretch between searches: found where the window ends


def test_nothing_is_found_where_nothing_happens(engine):
    """An infinity that was there from the start, as in t_last, is none that the run made."""
    circuit = alive(kicked, engine)
    live(circuit, None, [10, 200])
    assert np.isneginf(circuit.read("t_last")).all()


def test_group_that_is_no_output_cannot_shift_the_rest(engine):
    def build():
        cells = NeuronGroup(
            3, "dv/dt = -v / (10*ms) : volt", threshold="v > 1*mV", reset="v = 0*mV", name="cells", method="exact"
        )
        inhibitory = NeuronGroup(3, "du/dt = u**2 / mV / ms : volt", method="euler", name="inhibitory")
        inhibitory.u = [0, 1, 0] * mV
        return Circuit(Network(cells, inhibitory), outputs={"spikes": cells})

    with pytest.raises(DivergedError, match=r"u of inhibitory\[1\] is (inf|nan) by t ="):
        live(alive(build, engine), None, [500])


def at_the_start(how):
    def build():
        cells = NeuronGroup(5, "dx/dt = -x/second : 1\nk : second", method="euler", name="cells")
        other = NeuronGroup(5, "y : 1", threshold="y > 1", reset="", name="other")
        synapses = Synapses(other, cells, "w : 1 (constant)", on_pre="x_post += w", name="synapses")
        synapses.connect(j="i")
        how(cells, other, synapses)
        return Circuit(Network(cells, other, synapses), outputs={"x": Readout(cells, "x")})

    return build


def one(cells, other, synapses):
    other.y[3] = nan


def array(cells, other, synapses):
    cells.x = [0, 0, 0, np.nan, 0]


def text(cells, other, synapses):
    cells.k = "sqrt(2.5 - i) * ms"


def infinite(cells, other, synapses):
    cells.x[3] = np.inf


def constant_of_synapses(cells, other, synapses):
    synapses.w = np.array([0, 0, 0, np.nan, 0])


def delay(cells, other, synapses):
    synapses.delay = np.array([0, 0, 0, np.nan, 0]) * ms


FOUND = {
    one: r"y of other\[3\] is nan",
    array: r"x of cells\[3\] is nan",
    text: r"k of cells\[3\] is -?nan",
    infinite: r"x of cells\[3\] is inf",
    constant_of_synapses: r"w of synapses\[3\] is nan",
    delay: r"delay of synapses\[3\] is nan",
}
COMPILED = (array,)  # in every test run, for each is a compilation


@pytest.mark.parametrize(
    ("how", "where", "engine"),
    [
        *((how, where, "runtime") for how, where in FOUND.items()),
        *(
            pytest.param(how, where, "compiled", marks=[pytest.mark.long] * (how not in COMPILED))
            for how, where in FOUND.items()
        ),
    ],
    indirect=["engine"],
)
def test_values_that_are_none_before_the_first_step(how, where, engine):
    with pytest.raises(DivergedError, match=rf"circuit focus: {where} before the first step; correct the value"):
        alive(at_the_start(how), engine, name="focus")


def test_constant_of_the_equations_that_is_none(engine):
    def build():
        cells = NeuronGroup(2, "dx/dt = rate : 1", method="euler", name="cells")
        return Circuit(Network(cells), namespace={"rate": np.nan / second})

    with pytest.raises(DivergedError, match=r"x of cells\[0\] is nan by t = 0\.1 ms"):
        live(alive(build, engine), None, [1])


def test_infinity_from_the_start_that_becomes_none_is_found(engine):
    """t_last was infinite and so may be; what is not a number may not."""

    def build():
        cells = NeuronGroup(2, "t_last : second\nother : second", name="cells")
        cells.t_last = -np.inf * second
        cells.other = np.inf * second
        cells.run_regularly("t_last = t_last + other")
        return Circuit(Network(cells))

    with pytest.raises(DivergedError, match=r"t_last of cells\[0\] is -?nan by t = 0\.1 ms"):
        live(alive(build, engine), None, [1])


def test_searches_of_synapses_cost_next_to_nothing():
    for values in (0, 1, 10**4, 10**6, 10**8):
        every = steps_between_searches(values)
        assert every % CHECK_EVERY_STEPS == 0
        assert every >= CHECK_EVERY_STEPS
        assert values / every <= VALUES_A_STEP
    assert steps_between_searches(10**6) < 2 * 10**6 / VALUES_A_STEP
