"""Numbers and quantities at the door: every unit against Brian2's own, and no silent misreading."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid.errors import ConfigurationError
from hybrid.units import array, number

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
