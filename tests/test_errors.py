"""Errors: their exit codes, the built-in types they are, and what they say."""

from __future__ import annotations

import pickle

import pytest

from hybrid import errors
from hybrid.errors import ArgumentError, HybridError, UnknownNameError, answers_slips, given, shown, told, unknown

ALL = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, HybridError)]


@pytest.mark.parametrize(
    ("name", "code", "built_in"),
    [
        ("ConfigurationError", 2, ValueError),
        ("ArgumentError", 2, TypeError),
        ("WiringError", 2, ValueError),
        ("TimeError", 2, ValueError),
        ("UnknownNameError", 2, KeyError),
        ("CompilerError", 2, RuntimeError),
        ("OutputExistsError", 2, FileExistsError),
        ("DataError", 3, ValueError),
        ("CheckpointError", 6, ValueError),
        ("DivergedError", 4, FloatingPointError),
        ("DriftError", 4, ArithmeticError),
        ("ComponentError", 1, RuntimeError),
        ("PeerError", 5, RuntimeError),
    ],
)
def test_every_error_has_its_exit_code_and_is_a_built_in_type_too(name, code, built_in):
    kind = getattr(errors, name)
    assert kind.exit_code == code
    assert issubclass(kind, built_in)


@pytest.mark.parametrize("kind", ALL)
def test_a_message_is_shown_as_it_was_given_and_survives_a_pickle(kind):
    error = kind("a 'quoted' message")
    error.failed_rank = 2
    again = pickle.loads(pickle.dumps(error))
    assert str(error) == str(again) == "a 'quoted' message"
    assert (type(again), again.failed_rank, again.exit_code) == (kind, 2, kind.exit_code)


def test_an_unknown_name_is_answered_with_a_guess_and_the_list():
    error = unknown("port", "rats", ["drive", "rate"])
    assert isinstance(error, UnknownNameError)
    assert str(error) == "port 'rats' does not exist; did you mean 'rate'? (there is: drive, rate)"


def test_no_guess_is_made_where_nothing_is_near():
    assert str(unknown("port", "x", ["drive", "rate"])) == "port 'x' does not exist (there is: drive, rate)"
    assert str(unknown("port", "x", [])) == "port 'x' does not exist (there is: none)"


def test_a_long_list_is_cut_but_the_guess_looks_at_all_of_it():
    names = [f"region{k:03d}" for k in range(100)]
    message = str(unknown("region", "region99", names))
    assert "did you mean 'region099'?" in message
    assert message.endswith("region019, … (100 in all))")
    assert "region020" not in message
    assert "…" not in str(unknown("region", "x", names[:20]))


# -- arguments ---------------------------------------------------------------------------------------------------------


@answers_slips
def ten_times(number, *, scale_ms=10):
    """Multiplies."""
    return number * scale_ms


def test_a_right_call_is_as_before():
    assert (ten_times(2), ten_times(number=2, scale_ms=3)) == (20, 6)
    assert ten_times.__doc__ == "Multiplies."
    with pytest.raises(TypeError, match="unsupported operand") as caught:  # of the function itself: left alone
        ten_times(None)
    assert not isinstance(caught.value, HybridError)


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        (
            (1,),
            {"scale": 2},
            "ten_times() has no argument 'scale'; did you mean 'scale_ms'? (there is: number, scale_ms)",
        ),
        ((), {}, "ten_times(): missing a required argument: 'number' (it takes number, scale_ms)"),
        ((1, 2), {}, "ten_times(): too many positional arguments (it takes number, scale_ms)"),
        ((1,), {"number": 2}, "ten_times(): multiple values for argument 'number' (it takes number, scale_ms)"),
    ],
)
def test_a_wrong_argument_is_answered_with_those_there_are(args, kwargs, text):
    with pytest.raises(ArgumentError) as caught:
        ten_times(*args, **kwargs)
    assert str(caught.value) == text


class Wordless:
    def __repr__(self):
        raise RuntimeError


def test_values_are_shown_short_and_what_they_are_is_said():
    assert shown("x" * 100) == "'" + "x" * 78 + "…"
    assert shown("x" * 100, 200) == repr("x" * 100)
    assert (shown(10**5000), shown(Wordless())) == ("<int>", "<Wordless>")
    assert given(Wordless) == "the class Wordless"
    assert given("tvb76") == "the text 'tvb76'"
    assert given([1]) == "list ([1])"


def test_a_name_without_end_is_neither_shown_nor_compared_whole():
    message = str(unknown("port", "rate" * 10**6, ["rate"]))
    assert len(message) < 200


def test_a_message_without_end_is_told_by_its_start():
    assert told(ValueError("short")) == "ValueError: short"
    said = told(ValueError("on purpose " + "x" * 1_000_000))
    assert said.startswith("ValueError: on purpose xxx")
    assert said.endswith("… (990,023 more characters)")
    assert len(said) < 11_000
