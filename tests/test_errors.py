"""Errors: their exit codes, the built-in types they are, and what they say."""

from __future__ import annotations

import pickle

import pytest

from hybrid import errors
from hybrid.errors import HybridError, UnknownNameError, unknown

ALL = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, HybridError)]


@pytest.mark.parametrize(
    ("name", "code", "built_in"),
    [
        ("ConfigurationError", 2, ValueError),
        ("WiringError", 2, ValueError),
        ("TimeError", 2, ValueError),
        ("UnknownNameError", 2, KeyError),
        ("CompilerError", 2, RuntimeError),
        ("OutputExistsError", 2, FileExistsError),
        ("DataError", 3, ValueError),
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
