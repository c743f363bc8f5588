"""From text to tables: units converted, sizes bounded, and every slip answered with the file, the table, the key and a remedy."""

from __future__ import annotations

import copy
import os
import random

import pytest

from hybrid.errors import ConfigurationError, DataError, HybridError
from hybrid.experiment import Experiment
from hybrid.experiment.tables import document, override_value, read

FILE = """
[run]
tick_ms = 0.5
duration_ms = 20
seed = 4
record = ["relay.rate", {port = "source.rate", every_ms = 2, average = false}]

[connectome]
source = "four.npz"
speed_m_s = 3.0

[components.source]
kind = "toys:RampSource"
parameters = {size = 2}

[components.relay]
kind = "toys:Accumulator"

[components.cortex]
model = "Epileptor"
parameters = {x0 = -2.0}
coupling = {kind = "Difference", strength = 0.1}

[connections.wire]
from = "source.rate"
to = "relay.in"
weight = [[1, 0.5], [0, 2]]
delay_ms = [[1, 2], [3, 4]]
"""


@pytest.fixture
def folder(tmp_path):
    from hybrid import Connectome

    Connectome.synthetic(4, seed=1).save(tmp_path / "four.npz")
    return tmp_path


def loaded(folder, old="", new="", *overrides):
    assert not old or FILE.count(old) == 1, old
    (folder / "slip.toml").write_text(FILE.replace(old, new) if old else FILE, encoding="utf-8")
    return Experiment.load(folder / "slip.toml", overrides)


def validated(folder, old, new):
    experiment = loaded(folder, old, new)
    experiment.simulation().brain.clock.ticks(experiment.document.run.duration_ms, "duration_ms")


# (what is replaced, by what, what the message holds; … stands for anything)
COUPLING = 'coupling = {kind = "Difference", strength = 0.1}'
SLIPS = [
    # types, in plain words
    ("duration_ms = 20", "duration_ms = '20'", "run.duration_ms = '20' is text; give the number without quotes"),
    ("duration_ms = 20", "duration_ms = 'long'", "[run] duration_ms must be a number above 0 (in ms, … not the text 'long'"),
    ("duration_ms = 20", "duration_ms = true", "[run] duration_ms must be a number above 0 (in ms, … not true"),
    ("duration_ms = 20", "duration_ms = -1", "[run] duration_ms must be a number above 0 (in ms, … not -1"),
    ("duration_ms = 20", "duration_ms = 1979-05-27", "run.duration_ms = 1979-05-27 is a date or a time of day"),
    ("seed = 4", "seed = 'four'", "[run] seed must be a whole number, not the text 'four'"),
    ("seed = 4", "seed = false", "[run] seed must be a whole number, not false"),
    ("seed = 4", "record = 3\n[r]", "table 'r' does not exist"),
    ("seed = 4", "placement = ['relay']", "[run] placement must be a table … of whole numbers, not the list ['relay']"),
    ("seed = 4", "timeout_s = 0", "[run] timeout_s must be a number above 0 (in s, … not 0"),
    ("seed = 4", "on_drift = 1", "[run] on_drift must be a text in quotes, not 1"),
    ("average = false", "average = 'no'", "[run] record[1] average must be true or false, not the text 'no'"),
    ("every_ms = 2", "every = 2", "[run] record[1]: the key 'every' does not exist; did you mean 'every_ms'?"),
    (COUPLING, "coupling = 3", "cortex] coupling must be a table { kind = 'Difference', strength = ... }, not 3"),
    (COUPLING, "noise = 0.1", "cortex] noise must be a table { sigma = ... }, not 0.1"),
    (COUPLING, "initial = [1]", "cortex] initial must be a table { variable = value, ... }, not the list [1]"),
    (COUPLING, "regions = 3", "cortex] regions must be a list of labels, or 'rest', not 3"),
    (COUPLING, "threads = 'all'", "cortex] threads must be a whole number, not the text 'all'"),
    ('model = "Epileptor"', "model = 3", "cortex] model must be 'module:name', or the bare name of one of ours, "),
    ("parameters = {x0 = -2.0}", "parameters = -2.0", "cortex] parameters must be a table { name = value, ... }, not -2.0"),
    ("[[1, 0.5], [0, 2]]", "['1', '2']", "wire] weight must be a number, rows of numbers [[...], ...] (a row is a target), "),
    ("[[1, 2], [3, 4]]", "true", "wire] delay_ms must be a number, rows of numbers"),
    ('to = "relay.in"', 'to = ["relay.in"]', "wire] to must be a port 'component.port' as a text in quotes, not the list"),
    ("speed_m_s = 3.0", "speed_m_s = 0", "[connectome] speed_m_s must be a number above 0 (in m/s, … not 0"),
    # tables
    ("[connections.wire]", "[conections.wire]", "table 'conections' does not exist; did you mean 'connections'?"),
    ("[connections.wire]", "[connections]", "[connections.from] must be a table, not the text 'source.rate'"),
    ("[run]", "[[run]]", "run must be a table, [run], not the list"),
    ("\n[run]", "seed = 3\n[run]", "; it belongs to [run], write it below that line"),
    ("[run]", "[connections.x]", "there is no table [run]; an experiment needs one"),
    # names
    ("duration_ms = 20", "duration = 20", "[run]: the key 'duration' does not exist; did you mean 'duration_ms'?"),
    ("tick_ms = 0.5", "tick = 0.5", "[run]: the key 'tick' does not exist; did you mean 'tick_ms'?"),
    ("speed_m_s = 3.0", "speed = 3.0", "[connectome]: the key 'speed' does not exist; did you mean 'speed_m_s'?"),
    ("[[1, 2], [3, 4]]", "1\ndelay = 1", "[connections.wire]: the key 'delay' does not exist; did you mean 'delay_ms'?"),
    ("parameters = {x0 = -2.0}", "parmeters = {}", "the key 'parmeters' does not exist; did you mean 'parameters'?"),
    # numbers without end
    ("duration_ms = 20", "duration_ms = 1e308", "duration_ms = 1e+308 ms is more ticks of 0.5 ms than can be counted"),
    ("tick_ms = 0.5", "tick_ms = 1e-320", "delay of source.rate -> relay.in = …is too long"),
    ("[[1, 2], [3, 4]]", "1e308", "delay of source.rate -> relay.in = 1e+308 ms is too long"),
    ("[[1, 2], [3, 4]]", "[[1e308, 1], [1, 1]]", "delay of source.rate -> relay.in = 1e+308 ms is too long"),
    ("every_ms = 2", "every_ms = 1e300", "every_ms = 1e+300 ms is more ticks"),
    ("[[1, 0.5], [0, 2]]", "1e308\nscale = 1e308", "weight of source.rate -> relay.in is not finite"),
    ("seed = 4", f"seed = {'9' * 4400}", "cannot be read as TOML: Exceeds the limit"),
    ("seed = 4", f"seed = {'9' * 4000}", "run.seed is a whole number of more than 77 digits"),
    ("seed = 4", f"seed = 0x{'f' * 5000}", "run.seed is a whole number of more than 77 digits"),
    ("seed = 4", "seed = -4", "seed = -4 must be a whole number, 0 or above"),
    ("size = 2", f"size = {'9' * 70}", "weight of source.rate -> relay.in has shape [2, 2]"),
    ("size = 2", "size = 'two'", "source] toys:RampSource cannot be made of {'name': 'source', 'size': 'two'}: TypeError"),
    ("size = 2", "size = -inf", "components.source.parameters.size = -inf is not finite"),
    ("size = 2", f"size = {'[' * 40}{']' * 40}", "tables and lists stand inside one another more than 32 deep"),
    ("size = 2", f"size = {'[' * 2000}{']' * 2000}", "tables and lists stand inside one another more than 32 deep"),
    ("size = 2", f"{'a.' * 2000}a = 2", "tables and lists stand inside one another more than 32 deep"),
    ("seed = 4", "seed = 4\nseed = 5", "cannot be read as TOML: Cannot overwrite a value"),
    # the region of one table is not blamed on another
    ('kind = "toys:Accumulator"', 'circuit = "x"\nregion = "l009"', "relay] synthetic4: region 'l009' does not exist; did"),
    ('parameters = {x0 = -2.0}', 'regions = ["l009"]', "cortex] synthetic4: region 'l009' does not exist; did"),
    ("speed_m_s = 3.0", 'zero_lengths = "longest"', "[connectome] zero_lengths 'longest' does not exist"),
    ("speed_m_s = 3.0", 'self_connections = "kep"', "[connectome] self_connections 'kep' does not exist; did you mean 'keep'?"),
    ('source = "four.npz"', 'source = "fore.npz"', "[connectome] fore.npz does not exist"),
    ('source = "four.npz"', f'source = "{"a" * 5000}"', "[connectome] "),
    ('source = "four.npz"', 'source = "a\\u0000b"', "[connectome] "),
    ('source = "four.npz"', 'source = "/dev/zero"', "[connectome] source = '/dev/zero' is neither a file nor a folder"),
    ("seed = 4", 'record = []\n[components."a.b"]\nkind = "toys:Relay"', "[components.a.b] a component cannot be called 'a.b'"),
    ("seed = 4", 'record = []\n[components."a\\u0000"]\nkind = "toys:Relay"', "a component cannot be called 'a\\x00'"),
    ("size = 2", 'size = 2, name = "other"', "source] parameters: name is that of the table; leave it out"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "text"), SLIPS, ids=[f"{new[:30]!r}" for _, new, _ in SLIPS])
def test_a_slip_is_told_in_one_line_with_its_place(folder, old, new, text):
    if "record = " in new and old == "seed = 4":
        old, new = 'seed = 4\nrecord = ["relay.rate", {port = "source.rate", every_ms = 2, average = false}]', new
    with pytest.raises(HybridError) as caught:
        validated(folder, old, new)
    message = str(caught.value)
    assert all(part in message for part in text.split("…"))
    assert "\n" not in message
    assert len(message) < 600
    assert "slip.toml" in message or "duration_ms" in text
    assert caught.value.exit_code == (3 if isinstance(caught.value, DataError) else 2)


def test_two_circuits_of_one_region_are_blamed_on_the_second(folder):
    twice = 'circuit = "{}"\nregion = "l001"'.format("hybrid.circuits.potassium:potassium_focus")
    text = FILE.replace('kind = "toys:Accumulator"', twice).replace(
        'kind = "toys:RampSource"\nparameters = {size = 2}', twice
    )
    (folder / "twice.toml").write_text(text, encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"\[components.relay\] region 'l001' is that of \[components.source\] already"
    ):
        Experiment.load(folder / "twice.toml").brain()


def test_the_rules_of_a_connectome_are_keys(folder):
    from hybrid import Connectome

    connectome = Connectome.synthetic(4, seed=1)
    lengths = connectome.lengths_mm.copy()
    target, source = (int(index[0]) for index in connectome.weights.nonzero())
    lengths[target, source] = 0.0
    tables = folder / "tables"
    tables.mkdir()
    for name, values in (("weights", connectome.weights), ("tract_lengths", lengths)):
        rows = "\n".join(" ".join(repr(float(value)) for value in row) for row in values)
        (tables / f"{name}.txt").write_text(rows + "\n")
    centres = zip(connectome.labels, connectome.centres_mm.tolist(), strict=True)
    (tables / "centres.txt").write_text("\n".join(f"{label} {x} {y} {z}" for label, (x, y, z) in centres) + "\n")
    brain = loaded(folder, 'source = "four.npz"', 'source = "tables"\nzero_lengths = "distance"').brain()
    expected = Connectome.load(tables, zero_lengths="distance")
    assert brain["cortex"].connectome == expected
    with pytest.raises(HybridError, match="zero_lengths"):
        loaded(folder, 'source = "four.npz"', 'source = "tables"').brain()


# -- quantities --------------------------------------------------------------------------------------------------------


def test_texts_with_a_unit_are_numbers_in_the_unit_of_their_key(folder):
    plain = loaded(folder)
    written = plain.tables | {
        "run": plain.tables["run"] | {"duration_ms": "0.02 s", "tick_ms": "500 us", "timeout_s": "1000 ms"}
    }
    written["connectome"] = {"source": "four.npz", "speed_m_s": "3 mm/ms"}
    written["connections"] = {
        "wire": plain.tables["connections"]["wire"] | {"delay_ms": [["1 ms", 2], ["3*ms", "0.004 second"]]}
    }
    experiment = Experiment(written, folder, "slip.toml")
    assert experiment.document.run.duration_ms == 20
    assert experiment.document.run.tick_ms == 0.5
    assert experiment.document.run.timeout_s == 1
    assert experiment.document.connectome.speed_m_s == 3
    assert experiment.document.connections["wire"].delay_ms == [[1, 2], [3, 4]]
    runs = [each.simulation().run(4) for each in (plain, experiment)]
    assert runs[0].content_sha256 == runs[1].content_sha256
    assert runs[1].configuration["experiment"]["run"]["duration_ms"] == "0.02 s"  # as it was written


def test_parameters_and_overrides_take_units_too(folder):
    adapter = 'adapter = {kind = "Delayed", tau_ms = "20 ms"}'
    experiment = loaded(
        folder, "[[1, 2], [3, 4]]", f"1\n{adapter}", "connections.wire.delay_ms=2 ms", "run.window_ms = 1 ms"
    )
    wire = experiment.document.connections["wire"]
    assert (wire.delay_ms, wire.adapter["tau_ms"], experiment.document.run.window_ms) == (2.0, 20.0, 1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5 mV", "connections.wire.delay_ms = '5 mV' has the wrong dimension; give a number in ms or such a quantity"),
        ("5 parsec", "connections.wire.delay_ms = '5 parsec': the unit 'parsec' does not exist"),
        ("5 Ms.", "the unit 'Ms.' does not exist"),
        ("5 m/s", "has the wrong dimension"),
        ("5", "connections.wire.delay_ms = '5' is text; give the number without quotes"),
        ("1e999 ms", "is not a finite number"),
        ("ms 5", "delay_ms = 'ms 5' is not known; give numbers or 'connectome'"),
        ("5 ms " + 100 * "x", "is not known; give numbers"),
    ],
)
def test_a_text_that_is_no_such_quantity_is_refused(folder, text, message):
    with pytest.raises(ConfigurationError, match=message):
        loaded(folder, "[[1, 2], [3, 4]]", f'"{text}"').brain()


# -- files and overrides -----------------------------------------------------------------------------------------------


def test_what_is_no_file_of_text_is_refused_without_waiting(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "latin.toml").write_bytes("[run]\n# für\n".encode("latin-1"))
    (tmp_path / "folder.toml").mkdir()
    for name, text in (
        ("pipe.toml", "pipe.toml is no regular file; give the path of an experiment file"),
        ("folder.toml", "folder.toml is a folder; give the path"),
        ("latin.toml", "latin.toml cannot be read as TOML: it is no text in UTF-8"),
        ("a" * 5000, "cannot be read: File name too long"),
        ("a\x00b", "does not exist|cannot be read"),
        ("latin.toml/x", "does not exist|cannot be read"),
    ):
        with pytest.raises(ConfigurationError, match=text):
            read(tmp_path / name)
    monkeypatch.setattr("hybrid.experiment.tables.LONGEST_FILE", 5)
    with pytest.raises(ConfigurationError, match=r"latin.toml is larger than"):
        read(tmp_path / "latin.toml")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path):
    (tmp_path / "secret.toml").touch(mode=0)
    with pytest.raises(ConfigurationError, match=r"secret.toml' cannot be read: Permission denied"):
        read(tmp_path / "secret.toml")


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("run.seed=" + "9" * 5000, "Exceeds the limit"),
        ("run.seed=" + "[" * 2000, "more than 32 deep"),
        ("components.relay." + "b." * 2000 + "c=1", "more than 32 deep"),
        ("a" * 9999, "write --set table.key=value"),
        ("run.seed=1979-05-27", "is a date or a time of day"),
    ],
)
def test_an_override_without_end_is_refused(folder, override, text):
    with pytest.raises(ConfigurationError, match=text) as caught:
        loaded(folder, "", "", override)
    assert len(str(caught.value)) < 600


# -- a short fuzz ------------------------------------------------------------------------------------------------------

ODD = [
    1e308, -1e308, 1e-320, 0, -1, 10**60, 10**4000, 2**63, True, float("nan"), None, "", "x", "5 ms", "5 mV", "connectome",
    ":x", "builtins:dict", "os:system", "..", "\x00", "hybrid:Stimulus", "hybrid.masses:basal_ganglia", "Difference",
    "SpikeToRate", "Epileptor", "rest", "source.rate", "source", "rk4", "none", [], [[]], [[1]], [1, 2], ["l001"],
    ["l001", "l001"], {}, {"kind": "x"}, {"kind": 3}, {"kind": "hybrid:Chain"}, {"x1": "a"}, {"sigma": {"x1": [1]}},
    {"a": {"b": [{}]}},
]  # fmt: skip


def places(table, path=()):
    yield path
    for key in table if isinstance(table, dict) else range(len(table)) if isinstance(table, list) else ():
        yield from places(table[key], (*path, key))


def mutated(rng, table):
    table = copy.deepcopy(table)
    for _ in range(rng.choice((1, 1, 2, 3))):
        path = rng.choice([each for each in places(table) if each])
        parent = table
        for key in path[:-1]:
            parent = parent[key]
        act = rng.random()
        if act < 0.6:
            parent[path[-1]] = copy.deepcopy(rng.choice(ODD))
        elif act < 0.75 and isinstance(parent, dict):
            parent[rng.choice(("region", "noise", "kind", "adapter", "scale", "regions", "dt_ms", ""))] = copy.deepcopy(
                rng.choice(ODD)
            )
        elif act < 0.85:
            del parent[path[-1]]
        else:
            parent[path[-1]] = copy.deepcopy(parent)
    return table


def test_whatever_is_wrong_with_a_file_is_one_of_our_errors(folder):
    tables, rng, fine = loaded(folder).tables, random.Random(1), 0
    for _ in range(400):
        try:
            Experiment(mutated(rng, tables), folder, "slip.toml").simulation()
        except HybridError:
            continue
        fine += 1
    assert 10 < fine < 200  # most mutations are wrong, and some are not


def test_tables_may_be_given_without_a_file():
    with pytest.raises(ConfigurationError, match=r"^here: there is no table \[run\]"):
        document({}, "here")
    tables = {"run": {"seed": 1}}
    override_value(tables, "run.seed=2")
    assert tables == {"run": {"seed": 2}}
