"""Numbers and quantities at the door: every unit against Brian2's own, and no silent misreading."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid import units
from hybrid.errors import ConfigurationError
from hybrid.units import array, number, unit_in

brian2 = pytest.importorskip("brian2")
BASE = {
    "ms": brian2.ms,
    "s": brian2.second,
    "hz": brian2.Hz,
    "mv": brian2.mV,
    "na": brian2.nA,
    "ns": brian2.nS,
    "mm": brian2.mm,
    "m_s": brian2.meter / brian2.second,
}


@pytest.mark.parametrize("unit", BASE)
def test_a_quantity_is_the_number_of_our_units_in_it(unit):
    assert number(7.5 * BASE[unit], unit, "x") == pytest.approx(7.5, rel=1e-15)
    np.testing.assert_allclose(array(np.arange(4) * BASE[unit], unit, "x"), np.arange(4), rtol=1e-15)


@pytest.mark.parametrize("unit", BASE)
def test_a_quantity_of_another_dimension_is_refused(unit):
    for other, quantity in BASE.items():
        if {unit, other} != {"ms", "s"} and unit != other:
            with pytest.raises(ConfigurationError, match=f"x = .* wrong dimension; give a number in {unit}"):
                number(2 * quantity, unit, "x")
            with pytest.raises(ConfigurationError, match="wrong dimension"):
                array([1, 2] * quantity, unit, "x")


def test_prefixes_are_not_lost():
    assert number(0.25 * brian2.second, "ms", "x") == 250
    assert number(300 * brian2.pA, "na", "x") == pytest.approx(0.3)
    assert number(2 * brian2.kHz, "hz", "x") == 2000


# numpy drops the units of quantities inside a list, so that [10*ms] would become 0.01
def test_quantities_inside_lists_keep_their_units():
    np.testing.assert_allclose(
        array([[10 * brian2.ms, 1 * brian2.second], [0 * brian2.ms, 3]], "ms", "x"), [[10, 1000], [0, 3]]
    )
    np.testing.assert_allclose(array(([1, 2] * brian2.ms, [3, 4] * brian2.ms), "ms", "x"), [[1, 2], [3, 4]])
    with pytest.raises(ConfigurationError, match="wrong dimension"):
        array([10 * brian2.mV], "ms", "x")


def test_dimensionless_quantities_are_plain_numbers():
    assert number(10 * brian2.ms / brian2.ms, "1", "x") == pytest.approx(10)
    assert number(brian2.Quantity(4.0), "hz", "x") == 4.0


@pytest.mark.parametrize("value", [3, 3.0, np.float32(3), np.int64(3), np.array(3.0)])
def test_plain_numbers_of_any_kind_are_taken(value):
    result = number(value, "ms", "x")
    assert result == 3.0
    assert type(result) is float


@pytest.mark.parametrize("value", [None, "20", b"20", "fast", [1, 2], {}, 1j, True, np.nan, np.inf, -np.inf])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ConfigurationError, match=r"tau_ms = .* is not a (finite )?number; give one in ms"):
        number(value, "ms", "tau_ms")


@pytest.mark.parametrize(
    ("limits", "good", "bad", "text"),
    [
        ({"positive": True}, 1e-9, 0, "x = 0 must be above 0"),
        ({"at_least": 0}, 0, -1e-9, "x = -1e-09 must be at least 0"),
        ({"at_most": 1}, 1, 1.5, "x = 1.5 must be at most 1"),
    ],
)
def test_limits(limits, good, bad, text):
    assert number(good, "1", "x", **limits) == good
    with pytest.raises(ConfigurationError, match=text):
        number(bad, "1", "x", **limits)


def test_an_array_is_a_copy():
    given = np.ones(3)
    array(given, "1", "x")[:] = 5
    np.testing.assert_array_equal(given, 1)


def test_the_first_entry_that_is_not_finite_is_named():
    given = np.ones((3, 4))
    given[1, 2] = given[2, 0] = np.nan
    with pytest.raises(ConfigurationError, match=r"weights is not finite at \(1, 2\): nan \(2 such entries\)"):
        array(given, "1", "weights")


@pytest.mark.parametrize("value", [[[1, 2], [3]], "abc", ["1", "2"], [1, "2"], [1j], {"a": 1}])
def test_what_is_no_array_of_numbers_is_refused(value):
    with pytest.raises(ConfigurationError, match="x is not an array of numbers in hz"):
        array(value, "hz", "x")


# -- texts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("10 ms", "ms"), ("10ms", "ms"), (" -0.25 s ", "ms"), ("100 us", "ms"), ("100 µs", "s"), ("1e-3 second", "ms"),
        (".5 ksecond", "s"), ("50 Hz", "hz"), ("0.05*kHz", "hz"), ("-65 mV", "mv"), ("65e3 uvolt", "mv"), ("3 nS", "ns"),
        ("2 pA", "na"), ("+1.5 namp", "na"), ("2 cm", "mm"), ("2. meter", "mm"), ("3 m/s", "m_s"), ("3 mm/ms", "m_s"),
        ("3*meter/second", "m_s"), ("3 mm / s", "m_s"),
    ],
)  # fmt: skip
def test_a_text_is_the_number_that_brian_makes_of_it(text, unit):
    known = ("second", "ms", "us", "ksecond", "Hz", "kHz", "mV", "uvolt", "nS", "pA", "namp", "mm", "meter")
    names = {name: getattr(brian2, name) for name in known}
    names |= {"s": brian2.second, "m": brian2.meter, "cm": brian2.cmetre, "µs": brian2.us}
    value, _, symbol = text.strip().replace("*", " ").replace("10ms", "10 ms").partition(" ")
    above, _, below = symbol.replace(" ", "").partition("/")
    expected = number(float(value) * names[above] / (names[below] if below else 1), unit, "x")
    assert units.quantity(text, unit, "x") == pytest.approx(expected, rel=1e-14)


def test_decimal_texts_give_decimal_numbers():
    assert units.quantity("100 us", "ms", "x") == 0.1
    assert units.quantity("0.3 mm/ms", "m_s", "x") == 0.3


@pytest.mark.parametrize("text", ["", "ms", "fast", "five ms", "connectome", "1" * 61, "--5 ms", "1 2 ms"])
def test_a_text_that_does_not_begin_with_a_number_is_left_to_others(text):
    assert units.quantity(text, "ms", "x") is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("5", "x = '5' is text; give the number without quotes"),
        ("5 mV", "x = '5 mV' has the wrong dimension; give a number in ms"),
        ("5 m/s", "has the wrong dimension"),
        ("5 hours", "x = '5 hours': the unit 'hours' does not exist"),
        ("5 KHz", "the unit 'KHz' does not exist; did you mean"),
        ("5 mS", "has the wrong dimension"),  # siemens
        ("1,5 ms", "the unit ',5 ms' does not exist"),
        ("5 m/", "the unit '' does not exist"),
        ("1e400 ms", "is not a finite number"),
        ("0x10 ms", "the unit 'x10 ms' does not exist"),
    ],
)
def test_a_quantity_that_does_not_fit_is_refused(text, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        units.quantity(text, "ms", "x")


def test_the_unit_in_a_name():
    found = [unit_in(name) for name in ("tau_ms", "speed_m_s", "timeout_s", "rate_hz", "v_mv", "i_na", "g_ns", "l_mm")]
    assert found == ["ms", "m_s", "s", "hz", "mv", "na", "ns", "mm"]
    assert [unit_in(name) for name in ("weight", "ms", "x_1", "rms", "", "mixing_per_ms", "K_s")] == [None] * 7


@pytest.mark.parametrize("value", [10**400, -(10**5000)], ids=["large", "unprintable"])
def test_whole_numbers_without_end_are_refused(value):
    with pytest.raises(ConfigurationError, match=r"x = .* is not a number; give one in ms"):
        number(value, "ms", "x")
    with pytest.raises(ConfigurationError, match="x is not an array of numbers in ms"):
        array([value], "ms", "x")
