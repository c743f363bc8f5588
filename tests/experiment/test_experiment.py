"""Experiment files: from TOML to a brain that runs, and every mistake named with its table."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from toys import Accumulator, RampSource

from adapters import RateToPoisson, SpikeToRate
from hybrid import Brain, Chain, Connectome, Every, Simulation
from hybrid.errors import ConfigurationError, HybridError, UnknownNameError, WiringError
from hybrid.experiment import Experiment
from hybrid.results.recorder import Recording

TOYS = """
[run]
tick_ms = 0.5
duration_ms = 20
seed = 4
record = ["relay.rate", {port = "source.rate", every_ms = 2, average = false}]

[components.source]
kind = "toys:RampSource"
parameters = {size = 2}

[components.relay]
kind = "toys:Accumulator"

[connections.wire]
from = "source.rate"
to = "relay.in"
weight = [[1, 0.5], [0, 2]]
delay_ms = [[1, 2], [3, 4]]
scale = 0.25
"""


SOURCE, RELAY, WEIGHT, DELAY = (
    '"toys:RampSource"',
    'kind = "toys:Accumulator"',
    "[[1, 0.5], [0, 2]]",
    "[[1, 2], [3, 4]]",
)


def written(folder, text):
    path = folder / "experiment.toml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder, text=TOYS, *overrides):
    return Experiment.load(written(folder, text), overrides)


def run(experiment):
    return experiment.simulation().run(experiment.document.run.duration_ms)


def changed(old, new):
    assert TOYS.count(old) == 1, old
    return TOYS.replace(old, new)


# -- what a file becomes -----------------------------------------------------------------------------------------------


def test_a_file_runs_as_the_same_brain_built_in_python(tmp_path):
    results = run(loaded(tmp_path))
    brain = Brain(0.5)
    source, relay = brain.add(RampSource("source", 2)), brain.add(Accumulator("relay"))
    weight = np.array([[0.25, 0.125], [0, 0.5]])
    brain.connect(source["rate"], relay["in"], weight=weight, delay_ms=[[1, 2], [3, 4]], name="wire")
    record = [relay["rate"], Every(source["rate"], 2, average=False)]
    expected = Simulation(brain, seed=4, record=record).run(20)
    assert results.content_sha256 == expected.content_sha256
    assert isinstance(results.recording("source.rate"), Recording)
    assert results.recording("source.rate").every == 4


def test_results_keep_the_text_of_the_experiment(tmp_path):
    results = run(loaded(tmp_path))
    kept = results.configuration["experiment"]
    assert kept["run"]["seed"] == results.seed == 4
    assert kept["connections"]["wire"]["weight"] == [[1, 0.5], [0, 2]]
    assert results.configuration["brain"]["connections"]["wire"]["weight"] == [[0.25, 0.125], [0.0, 0.5]]


def test_modules_are_looked_for_beside_the_file(tmp_path):
    (tmp_path / "own_parts.py").write_text("from toys import RampSource as Mine\n", encoding="utf-8")
    experiment = loaded(tmp_path, changed('"toys:RampSource"', '"own_parts:Mine"'))
    assert isinstance(experiment.brain()["source"], RampSource)
    del sys.modules["own_parts"]
    with pytest.raises(ConfigurationError, match="module 'own_parts' cannot be imported"):
        Experiment(experiment.tables, tmp_path / "elsewhere").brain()


ADAPTED = """
[run]
duration_ms = 50

[components.circuit]
kind = "toys:Regional"
parameters = {regions = ["a"], size = 5}

[components.masses]
kind = "toys:Regional"
parameters = {regions = ["b", "c"], size = 2}

[connectome]
source = "three.npz"
speed_m_s = 2.0

[connections.up]
from = "circuit.spikes"
to = "masses.drive"
weight = "connectome"
scale = 10
adapter = {kind = "SpikeToRate", tau_ms = 7, pool = "mean"}

[connections.down]
from = "masses.rate"
to = "circuit.afferents"
weight = 0.5
adapter = "RateToPoisson"

[connections.across]
from = "circuit.spikes"
to = "circuit.afferents"
weight = "connectome"
delay_ms = 1.5
adapter = {kind = "toys:both", tau_ms = 3}
"""


@pytest.fixture
def three(tmp_path):
    """A connectome of three regions beside the file."""
    weights = np.array([[6, 1, 2], [3, 0, 4], [8, 5, 0.0]])
    lengths = np.array([[1, 20, 30], [22, 0, 40], [28, 60, 0.0]])  # of c and b: too long for a kernel of its own
    Connectome(("a", "b", "c"), weights, lengths, np.zeros((3, 3))).save(tmp_path / "three.npz")
    return tmp_path


def adapted(folder, text=ADAPTED, *overrides):
    return loaded(folder, text.replace("toys:both", "chains:both"), *overrides)


@pytest.fixture
def chains(three):
    text = """
from adapters import RateToPoisson, SpikeToRate
from hybrid import Chain

def both(tau_ms):
    return Chain(SpikeToRate(tau_ms), RateToPoisson())
"""
    (three / "chains.py").write_text(text, encoding="utf-8")
    return three


def test_weights_and_delays_come_from_the_tracts(chains):
    wires = adapted(chains).brain().connections
    np.testing.assert_array_equal(
        wires["up"].weights, [[30], [80]]
    )  # 10 * the tracts from a to b and c, one pooled line
    np.testing.assert_array_equal(wires["up"].delays, [[110], [140]])  # 22 and 28 mm at 2 m/s
    np.testing.assert_array_equal(wires["down"].weights, np.full((5, 2), 0.5))
    np.testing.assert_array_equal(wires["down"].delays, np.tile([100, 150], (5, 1)))
    np.testing.assert_array_equal(wires["across"].delays, np.full((5, 5), 15))


def test_adapters_are_made_with_their_parameters(chains):
    wires = adapted(chains).brain().connections
    assert isinstance(wires["up"].adapter, SpikeToRate)
    assert (wires["up"].adapter.tau_ms, wires["up"].adapter.pool) == (7.0, "mean")
    assert isinstance(wires["down"].adapter, RateToPoisson)
    assert isinstance(wires["across"].adapter, Chain)
    assert wires["across"].adapter.adapters[0].tau_ms == 3.0


def test_a_connectome_can_be_normalised(chains):
    wires = adapted(chains, ADAPTED.replace("speed_m_s = 2.0", 'normalise = "max"')).brain().connections
    np.testing.assert_allclose(wires["up"].weights, [[30 / 8], [80 / 8]])
    with pytest.raises(UnknownNameError, match="normalisation 'min' does not exist"):
        adapted(chains, ADAPTED.replace("speed_m_s = 2.0", 'normalise = "min"')).brain()


def test_relative_paths_start_at_the_file(chains, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    assert len(adapted(chains).brain().connections) == 3


MASSES = """
[run]
duration_ms = 5
record = ["cortex.rate", "cortex.x1"]

[connectome]
source = "three.npz"

[components.cortex]
model = "Epileptor"
parameters = {x0 = -2.0, Iext = 3.1}
regions = ["c", "b"]
coupling = {kind = "Difference", strength = 0.02}
noise = {sigma = {x2 = 0.01}}
integrator = "heun"
"""


def test_a_network_of_masses_is_made_with_all_its_parts(three):
    from hybrid.masses import Difference, Epileptor, MassNetwork, Noise

    results = run(loaded(three, MASSES))
    connectome = Connectome.load(three / "three.npz")
    brain = Brain(0.1)
    cortex = MassNetwork(
        "cortex",
        connectome.only("c", "b"),
        Epileptor(x0=-2.0, Iext=3.1),
        coupling=Difference(0.02),
        noise=Noise({"x2": 0.01}),
        integrator="heun",
    )
    brain.add(cortex)
    expected = Simulation(brain, record=["cortex.rate", "cortex.x1"]).run(5)
    assert results.content_sha256 == expected.content_sha256


def test_every_option_of_a_network_of_masses_has_a_key(three):
    from hybrid.masses import Epileptor, MassNetwork, Noise, Sigmoidal

    text = MASSES.replace(
        '{kind = "Difference", strength = 0.02}', '{kind = "Sigmoidal", sigma = 2.0, variables = ["x1"]}'
    )
    text = text.replace("{sigma = {x2 = 0.01}}", "{sigma = 0.01, tau_ms = 3.0, multiplicative = true}")
    options = {"integrator": "rk4", "dt_ms": 0.05, "coupling_in_step": "interpolated", "delays": "interpolated"}
    text = text.replace('integrator = "heun"', "\n".join(f"{key} = {value!r}" for key, value in options.items()))
    brain = Brain(0.1)
    cortex = MassNetwork(
        "cortex",
        Connectome.load(three / "three.npz").only("c", "b"),
        Epileptor(x0=-2.0, Iext=3.1),
        coupling=Sigmoidal(sigma=2.0, variables=("x1",)),
        noise=Noise(0.01, tau_ms=3.0, multiplicative=True),
        initial={"x1": -1.0},
        **options,
    )
    brain.add(cortex)
    expected = Simulation(brain, record=["cortex.rate", "cortex.x1"]).run(5)
    given = text + "initial = {x1 = -1.0}\nthreads = 2\n"
    assert run(loaded(three, given)).content_sha256 == expected.content_sha256


def test_a_stimulus_is_a_component_like_any_other(three):
    text = (
        MASSES.replace('"cortex.x1"]', '"pulse.rate"]')
        + """
[components.pulse]
kind = "Stimulus"
parameters = {lines = ["c", "b"], regions = "b", waveform = {kind = "Pulse", start_ms = 1.0, stop_ms = 2.0, hz = 30.0}}

[connections.pulse_to_cortex]
from = "pulse.rate"
to = "cortex.drive"
delay_ms = 0.1
"""
    )
    hz = run(loaded(three, text))["pulse.rate"].hz
    assert (hz[:, 0].any(), hz[:, 1].sum(), hz[10, 1], hz[20, 1]) == (False, 300.0, 30.0, 0.0)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('integrator = "heun"', 'engine = "runtime"', "engine belongs to a component with circuit, this one has model"),
        ('model = "Epileptor"', 'circuit = "potassium_focus"', "regions belongs to a component with model, this one has circuit"),
        ('model = "Epileptor"', 'kind = "Stimulus"', "regions belongs to a component with model, this one has kind"),
    ],
)  # fmt: skip
def test_a_key_without_effect_is_refused(three, old, new, text):
    with pytest.raises(ConfigurationError, match=text):
        loaded(three, MASSES.replace(old, new)).brain()


def test_masses_take_the_regions_that_no_circuit_stands_for(three):
    text = MASSES.replace('regions = ["c", "b"]\n', "")
    circuit = '\n[components.focus]\ncircuit = "potassium_focus"\nregion = "b"\n'
    experiment = loaded(three, text + circuit)
    table, connectome = experiment.document.components["cortex"], Connectome.load(three / "three.npz")
    assert experiment._component("cortex", table, connectome).regions == ("a", "c")


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("Iext = 3.1", "Iexd = 3.1", "Epileptor: parameter 'Iexd' does not exist; did you mean 'Iext'"),
        ("x0 = -2.0", "x0 = 'low'", "Epileptor.x0 is not an array of numbers"),
        ('"Epileptor"', '"Epileptr"', "hybrid.masses: 'Epileptr' does not exist; did you mean 'Epileptor'"),
        ("strength = 0.02", "power = 0.02", "Difference: parameter 'power' does not exist"),
        ("strength = 0.02", 'strength = "much"', "Difference.strength = 'much' is not a number"),
        ('kind = "Difference", ', "", "{'strength': 0.02} needs kind = 'module:Class'"),
        ("x2 = 0.01", "x9 = 0.01", "noise on variable 'x9' does not exist"),
        ("sigma = {x2 = 0.01}", "sigm = 0.01", "noise: parameter 'sigm' does not exist; did you mean 'sigma'"),
        ('"heun"', '"rk5"', "cortex: integrator 'rk5' does not exist"),
        ('["c", "b"]', '["c", "z"]', "connectome: region 'z' does not exist"),
        ('[connectome]\nsource = "three.npz"\n', "", "a mass network needs a [connectome] table"),
    ],
)
def test_mistakes_in_a_network_of_masses_are_named(three, old, new, text):
    assert MASSES.count(old) == 1
    with pytest.raises(ConfigurationError) as caught:
        loaded(three, MASSES.replace(old, new)).brain()
    assert str(caught.value).startswith(f"experiment.toml: [components.cortex] {text}")


# -- strictness --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("[run]\n", "[rnu]\nx = 1\n[run]\n", "experiment.toml: table 'rnu' does not exist; did you mean 'run'"),
        ("seed = 4", "seeds = 4", r"experiment.toml: \[run\]: the key 'seeds' does not exist; did you mean 'seed'"),
        ("every_ms = 2", "every = 2", r"\[run\] record\[1\]: the key 'every' does not exist; did you mean 'every_ms'"),
        (RELAY, f"{RELAY}\nsize = 2", r"experiment.toml: \[components.relay\]: the key 'size' does not exist"),
        ("scale = 0.25", "weigth = 1", r"\[connections.wire\]: the key 'weigth' does not exist; did you mean 'weight'"),
        ("duration_ms = 20\n", "", r"\[run\]: duration_ms is missing; it must be a number above 0 \(in ms"),
        ('to = "relay.in"\n', "", r"\[connections.wire\]: to is missing; it must be a port"),
        ("duration_ms = 20", 'duration_ms = "20"', r"run.duration_ms = '20' is text; give the number without quotes"),
        ("duration_ms = 20", "duration_ms = 0", r"must be a number above 0 \(in ms, or a text with a unit\), not 0$"),
        ("seed = 4", "seed = 4.5", r"\[run\] seed must be a whole number, not 4.5$"),
        ("seed = 4", "seed = true", r"\[run\] seed must be a whole number, not true$"),
        (WEIGHT, "[1, 0.5]", r"wire\] weight must be a number, rows .* or 'connectome', not the list \[1, 0.5\]$"),
        ('from = "source.rate"', "from = 3", r"\[connections.wire\] from must be a port 'component.port' as a text .*, not 3$"),
        ("scale = 0.25", "scale = nan", "experiment.toml: connections.wire.scale = nan is not finite; give a number"),
        (WEIGHT, "[[1, inf], [0, 2]]", "experiment.toml: connections.wire.weight = inf is not finite"),
        ("duration_ms = 20", "duration_ms = -inf", "experiment.toml: run.duration_ms = -inf is not finite"),
        ("size = 2", "size = nan", "experiment.toml: components.source.parameters.size = nan is not finite"),
        ("every_ms = 2", "every_ms = nan", r"experiment.toml: run.record.* = nan is not finite"),
    ],
)  # fmt: skip
def test_a_file_is_checked_strictly(tmp_path, old, new, text):
    with pytest.raises(ConfigurationError, match=text):
        loaded(tmp_path, changed(old, new))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[run\n", r"cannot be read as TOML: Expected '\]'"),
        ("[run]\nseed = 1\nseed = 2\n", "cannot be read as TOML: Cannot overwrite a value"),
        ("[run]\nseed = 012\n", "cannot be read as TOML"),
        ("[run]\nduration_ms = yes\n", "cannot be read as TOML: Invalid value"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_place(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=r"experiment.toml " + message):
        loaded(tmp_path, text)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere.toml does not exist; give the path of an experiment file"):
        Experiment.load(tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"binary.toml cannot be read as TOML"):
        Experiment.load(tmp_path / "binary.toml")
    with pytest.raises(ConfigurationError, match="is a folder; give the path of an experiment file"):
        Experiment.load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (SOURCE, '"toys:RampSorce"', "components.source: toys: 'RampSorce' does not exist; did you mean 'RampSource'"),
        (SOURCE, '"toyz:RampSource"', "components.source: 'toyz:RampSource': module 'toyz' cannot be imported"),
        (SOURCE, '"RampSource"', "components.source: hybrid: 'RampSource' does not exist"),
        (SOURCE, '"math:pi"', "components.source: 'math:pi': math is a module of Python itself"),
        (SOURCE, '"math:sqrt"', "components.source: 'math:sqrt': math is a module of Python itself"),
        (
            "{size = 2}",
            "{sise = 2}",
            "components.source: toys:RampSource: parameter 'sise' does not exist; did you mean 'size'",
        ),
        (
            "{size = 2}",
            "{size = 'two'}",
            "components.source: toys:RampSource cannot be made of {'name': 'source', 'size': 'two'}: ",
        ),
        (
            RELAY,
            f'{RELAY}\nmodel = "E"',
            "components.relay: needs one of circuit, model or kind, but has model and kind",
        ),
        (RELAY, "", "components.relay: needs one of circuit, model or kind, but has none of them"),
        (RELAY, 'kind = "toys:Failing"', "components.relay: toys:Failing needs at_tick, error"),
        ("seed = 4", "seed = -4", "run: seed = -4 must be a whole number"),
        ("seed = 4", "window_ms = 9", "run: window_ms = 9 must be"),
        (
            "seed = 4",
            "placement = {sourse = 1}",
            "run: placement: component 'sourse' does not exist; did you mean 'source'",
        ),
        ('["relay.rate", ', '["relay.rat", ', "run: relay: port 'rat' does not exist"),
        ('["relay.rate", ', '["relay", ', "run: cannot record 'relay'"),
        (
            'port = "source.rate"',
            'port = "source"',
            "run: 'source' is no port; write component.port, as in 'focus.spikes'",
        ),
        ("every_ms = 2", "every_ms = 0.7", "run: Every(source.rate): every_ms = 0.7 ms is no multiple of the tick"),
    ],
)
def test_mistakes_are_named_with_their_table(tmp_path, old, new, text):
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, changed(old, new)).simulation()
    table, _, message = text.partition(": ")
    assert str(caught.value).startswith(f"experiment.toml: [{table}] {message}")


def test_what_is_no_component_is_refused(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r"'toys:np' is a module; name a class or function that makes a Component"
    ):
        loaded(tmp_path, changed(SOURCE, '"toys:np"')).brain()
    with pytest.raises(ConfigurationError, match=r"\[run\] tick_ms must be a number above 0"):
        loaded(tmp_path, changed("tick_ms = 0.5", "tick_ms = 0")).brain()


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('from = "source.rate"', 'from = "source"', "'source' is no port; write component.port"),
        ('from = "source.rate"', 'from = "sauce.rate"', "component 'sauce' does not exist; did you mean 'source'"),
        ('to = "relay.in"', 'to = "relay.inn"', "relay: port 'inn' does not exist; did you mean 'in'"),
        (WEIGHT, "1\nadapter = 'SpikeToRat'", "adapters: 'SpikeToRat' does not exist; did you mean 'SpikeToRate'"),
        (WEIGHT, "1\nadapter = {kind = 'SpikeToRate', tau = 3}", "SpikeToRate: parameter 'tau' does not exist"),
        (WEIGHT, "1\nadapter = {tau_ms = 3}", "needs kind = 'module:Class'"),
        (WEIGHT, "1\nadapter = {kind = 'RateToPoisson', fibres = 'many'}", "fibres = 'many' must be a whole number"),
        (WEIGHT, "1\nadapter = {kind = 'RateToPoisson', fibres = 2.5}", "fibres = 2.5 must be a whole number"),
        (
            WEIGHT,
            "1\nadapter = {kind = 'SpikeToRate', tau_ms = 'long'}",
            "SpikeToRate: tau_ms = 'long' is not a number",
        ),
        (WEIGHT, "'strong'", "weight = 'strong' is not known; give numbers or 'connectome'"),
        (DELAY, "'connectome'", r"delay_ms = 'connectome' needs a \[connectome\] table"),
        (f"delay_ms = {DELAY}\n", "", r"delay_ms = 'connectome' needs a \[connectome\] table"),
        (DELAY, "[[1, 2, 3]]", r"source.rate -> relay.in has shape \[1, 3\]"),
        (DELAY, "1.3", "delay of source.rate -> relay.in = 1.3 ms is no multiple of the tick"),
    ],
)
def test_mistakes_in_a_connection_are_named(tmp_path, old, new, text):
    with pytest.raises(WiringError, match=r"experiment.toml: \[connections.wire\] .*" + text):
        loaded(tmp_path, changed(old, new)).brain()


def test_all_wiring_problems_are_told_at_once(tmp_path):
    more = """
[connections.backwards]
from = "relay.in"
to = "source.rate"
weight = 1
delay_ms = 1
[connections.fine]
from = "relay.rate"
to = "relay.in"
weight = 1
delay_ms = 1
[connections.short]
from = "relay.rate"
to = "relay.in"
delay_ms = 0.3
"""
    with pytest.raises(WiringError) as caught:
        loaded(tmp_path, changed('"relay.in"', '"relay.out"') + more).brain()
    assert str(caught.value).splitlines() == [
        "experiment.toml: [connections.wire] relay: port 'out' does not exist (there is: in, rate)",
        "[connections.backwards] relay.in -> source.rate: relay.in is an input and cannot be the source",
        "[connections.short] delay of relay.rate -> relay.in = 0.3 ms is no multiple of the tick (0.5 ms); "
        "the nearest is 0.5 ms",
    ]
    assert isinstance(caught.value, HybridError)
    assert caught.value.exit_code == 2


# -- overrides ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "keys", "value"),
    [
        ("run.seed=7", ("run", "seed"), 7),
        ("run.tick_ms = 0.25", ("run", "tick_ms"), 0.25),
        ("connections.wire.weight=0", ("connections", "wire", "weight"), 0),
        ("connections.wire.weight=[[1, 2], [3, 4]]", ("connections", "wire", "weight"), [[1, 2], [3, 4]]),
        ("connections.wire.to = relay.other ", ("connections", "wire", "to"), "relay.other"),
        ('connections.wire.to="relay.in"', ("connections", "wire", "to"), "relay.in"),
        ("components.relay.parameters.size=3", ("components", "relay", "parameters", "size"), 3),
        ("connections.wire.adapter={kind = 'A', b = 2}", ("connections", "wire", "adapter"), {"kind": "A", "b": 2}),
        ("run.window_ms=0.5", ("run", "window_ms"), 0.5),
    ],
)
def test_one_value_can_be_replaced(tmp_path, override, keys, value):
    found = loaded(tmp_path, TOYS, override).tables
    for key in keys:
        found = found[key]
    assert found == value


def test_overrides_reach_the_run(tmp_path):
    cut = run(loaded(tmp_path, TOYS, "connections.wire.weight=0", "run.duration_ms=10"))
    assert cut.duration_ms == 10
    expected = [10 * (1 - 0.9**tick) for tick in range(20)]  # y[t+1] = .9 y[t] + 1, without input
    np.testing.assert_allclose(cut["relay.rate"].hz[:, 0], expected, rtol=1e-12)
    assert cut.configuration["experiment"]["connections"]["wire"]["weight"] == 0


def test_what_a_drift_does_is_an_option_of_the_run(tmp_path):
    assert loaded(tmp_path).simulation().on_drift == "warn"
    assert loaded(tmp_path, TOYS, "run.on_drift=error").simulation().on_drift == "error"
    with pytest.raises(
        ConfigurationError, match=r"^experiment.toml: \[run\] on_drift = 'stop' is not known; give 'warn', 'error' or"
    ):
        loaded(tmp_path, TOYS, "run.on_drift=stop").simulation()


def test_the_last_override_wins(tmp_path):
    assert loaded(tmp_path, TOYS, "run.seed=7", "run.seed=8").document.run.seed == 8


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("connections.wier.weight=0", "--set connections.wier.weight=0: table 'connections.wier' does not exist"),
        ("conections.wire.weight=0", r"table 'conections' does not exist; did you mean 'connections'"),
        ("connectome.speed_m_s=5", "table 'connectome' does not exist"),
        ("run.seed", "--set run.seed: write --set table.key=value"),
        ("=3", "write --set table.key=value"),
        ("run..seed=3", "write --set table.key=value"),
        ("run.seed.more=3", "--set run.seed.more=3: run.seed is a value, not a table"),
        ("run.sead=3", "the key 'sead' does not exist; did you mean 'seed'"),
        ("run.seed=lots", r"\[run\] seed must be a whole number, not the text 'lots'"),
        ("run.tick_ms=nan", "run.tick_ms = nan is not finite"),
        ("seed=3", "table 'seed' does not exist .*; it belongs to .run., write it below that line"),
    ],
)
def test_an_override_that_fits_nothing_is_refused(tmp_path, override, text):
    with pytest.raises(ConfigurationError, match=text):
        loaded(tmp_path, TOYS, override)


def test_the_path_of_modules_is_left_as_it_was(tmp_path):
    before = list(sys.path)
    loaded(tmp_path).brain()
    with pytest.raises(ConfigurationError):
        loaded(tmp_path, changed('"toys:RampSource"', '"toyz:RampSource"')).brain()
    assert sys.path == before
