"""Every check of the contracts is needed: for each there is something broken that fails this one and no other."""

from __future__ import annotations

import contextlib
import time
from functools import partial

import broken
import pytest
from toys import Accumulator

from hybrid.testing import adapter_checks, check_adapter, component_checks, verdicts
from hybrid.testing.contract import ContractError, NotTried
from hybrid.testing.elsewhere import elsewhere

COMPONENTS = [
    (broken.ScalesItsInput, "outputs", r"advance\(\) modified its input 'in'"),
    (broken.ScalesItsInputInShortWindows, "outputs", r"advance\(\) modified its input 'in'"),
    (broken.OneOutputTooMany, "outputs", r"advance\(\) returned \['more'\], which are no outputs"),
    (broken.OnceNotFinite, "outputs", "output 'rate' is inf for line 1 at tick 150"),
    (broken.GlobalRandom, "same seed", "the same seed gives different outputs"),
    (broken.LooksAheadOnce, "causality", "an output comes before its cause: .* first at tick 99, line 0"),
    (broken.SumInBlocks, "cutting", "it matters how time is cut"),
    (broken.SharedState, "independence", "two instances disturb each other"),
    (broken.ForgetsWhatItDrewAtFirst, "restore", "a restored state does not continue as the original did"),
    (broken.StateIsAView, "restore", "a restored state does not continue as the original did"),
    (broken.StateIsAnObject, "restore", r"state\(\) has 'y', which cannot be stored: Object arrays cannot be saved"),
    (broken.StateOfThisProcess, "elsewhere", "in another process it failed: IndexError: list index out of range"),
    (broken.GainByHash, "elsewhere", "in another process a restored state does not continue as the original did"),
    (broken.ChangesWhenLessIsWanted, "wanted", "the output 'rate' is another one when it alone is wanted"),
    (broken.RemembersWhatWasWanted, "wanted", "prepared again after 'rate' alone was wanted, it leaves out twice"),
    (
        broken.TakesNaNForZero,
        "not finite",
        "a NaN in the input 'in' vanishes: all outputs stay finite; raise DivergedError",
    ),
    (broken.NaNChangesThePast, "not finite", "a NaN in the input 'in' at tick 100 changes what was before it"),
    (broken.StumblesOverNaN, "not finite", "KeyError: 'nan'"),
    (broken.DescribesArrays, "describe", r"describe\(\)\['levels'\]\[0\]\['y'\] is of type ndarray; give plain"),
    (broken.DescribesByNumber, "describe", r"describe\(\)\['lines'\] has the key 0, which is no text"),
    (broken.ClosesOnce, "close", "IndexError: pop from empty list"),
    (broken.ClosesWhatItHasNot, "close", "AttributeError: .*'rng'"),
]
ADAPTERS = [
    (broken.EmptiesItsInput, "signals", r"convert\(\) modified its input"),
    (broken.DrawsGlobally, "same seed", "the same seed gives different outputs"),
    (broken.LetsOneTickBeSeenEarly, "causality", "an output comes before its cause"),
    (broken.DrawsLineByLine, "cutting", "it matters how time is cut"),
    (broken.SharesItsMemory, "independence", "two instances disturb each other"),
    (broken.ForgetsItsDraws, "restore", "a restored state does not continue as the original did"),
    (broken.ForgetsItsFirstDraw, "restore", "a restored state does not continue as the original did"),
    (broken.ForgetsItsElapsedTime, "restore", r"as the original did \(in what expected\(\) says"),
    (broken.ForgetsWhatItHolds, "restore", r"as the original did \(in what held\(\) says"),
    (broken.DeclaresTwoPercentTooMuch, "expectation", r"at 1000 Hz it delivered .* where expected\(\) declares"),
    (broken.DeclaresPoisson, "variance", r"at 1000 Hz its variance is 0\.(8[89]|90)\d* times what"),
    (
        broken.DeclaresOtherTotals,
        "totals",
        r"expected\(\) of all windows adds up to .*, but expected_of_total\(\) says",
    ),
    (broken.TakesNegativeRates, "refusals", "a rate of -1 Hz was accepted"),
    (broken.DescribesItsMemory, "describe", r"describe\(\)\['tau_ms'\] is of type float32"),
]


def broken_of(checks):
    return {each.name: each.sentence for each in verdicts(checks) if each.kept is False}


def name_of(value):
    return getattr(value, "__name__", None)


@pytest.mark.parametrize(("specimen", "check", "text"), COMPONENTS, ids=name_of)
def test_a_component_that_breaks_one_promise_fails_that_check_alone(specimen, check, text):
    make = partial(specimen, "a")
    with component_checks(make if check == "elsewhere" else lambda: make()) as checks:  # another process takes seconds
        found = broken_of(checks)
    assert list(found) == [check]
    with pytest.raises(AssertionError, match=text):
        raise AssertionError(found[check])


@pytest.mark.parametrize(("specimen", "check", "text"), ADAPTERS, ids=name_of)
def test_an_adapter_that_breaks_one_promise_fails_that_check_alone(specimen, check, text):
    found = broken_of(adapter_checks(specimen))
    assert list(found) == [check]
    with pytest.raises(AssertionError, match=text):
        raise AssertionError(found[check])


@pytest.mark.parametrize("specimen", [broken.ScalesItsInput, broken.OnceNotFinite])
def test_a_component_that_fails_the_outputs_passes_all_that_is_not_tried_then(specimen):
    with component_checks(lambda: specimen("a")) as checks:
        for check in checks[1:]:
            with contextlib.suppress(NotTried):
                check.run()


def test_an_adapter_that_fails_the_signals_passes_all_that_is_not_tried_then():
    for check in adapter_checks(broken.EmptiesItsInput)[1:]:
        check.run()


def test_every_check_has_something_that_fails_it():
    with component_checks(partial(Accumulator, "a")) as checks:
        assert [each.name for each in checks] == list(dict.fromkeys(check for _, check, _ in COMPONENTS))
    checks = [each.name for each in adapter_checks(broken.Bernoulli)]
    assert set(checks) == {check for _, check, _ in ADAPTERS}


def test_what_is_right_passes_every_check():
    with component_checks(partial(broken.Noisy, "a")) as checks:
        assert {each.kept for each in verdicts(checks)} == {True}


def test_what_is_declared_as_it_is_drawn_passes():
    check_adapter(broken.Bernoulli)


def test_what_cannot_be_sent_to_another_process_is_not_tried_and_says_so():
    with component_checks(lambda: Accumulator("a")) as checks:
        found = {each.name: each for each in verdicts(checks)}
    assert found["elsewhere"].kept is None
    assert "not tried: " in found["elsewhere"].sentence
    assert "give a class or a function of a module" in found["elsewhere"].sentence
    with pytest.raises(NotTried):
        elsewhere(lambda: 1)


def test_another_process_answers_fails_or_is_given_up(monkeypatch):
    assert elsewhere(divmod, 7, 2) == (3, 1)
    with pytest.raises(ContractError, match="in another process it failed: ZeroDivisionError"):
        elsewhere(divmod, 7, 0)
    monkeypatch.setattr("hybrid.testing.elsewhere.PATIENCE_S", 0.5)
    with pytest.raises(ContractError, match=r"in another process it has not ended after 0\.5 s"):
        elsewhere(time.sleep, 60)
