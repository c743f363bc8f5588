"""Random streams by name: reproducible, independent, and continued exactly from a saved state."""

from __future__ import annotations

import itertools
import subprocess
import sys
from zlib import crc32

import numpy as np
import pytest

from hybrid.errors import ConfigurationError
from hybrid.random import Uniforms, generator_state, named_stream, restore_generator


def test_a_stream_is_philox_seeded_with_seed_purpose_and_name():
    words = [7, crc32(b"component"), crc32(b"focus")]
    expected = np.random.Generator(np.random.Philox(np.random.SeedSequence(words))).random(100)
    np.testing.assert_array_equal(named_stream(7, "component", "focus").random(100), expected)


def test_another_process_with_another_hash_seed_draws_the_same():
    code = "from hybrid.random import named_stream; print(named_stream(7, 'component', 'focus').integers(2**62))"
    drawn = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": hash_seed}, capture_output=True, check=True
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert drawn == {b"%d\n" % named_stream(7, "component", "focus").integers(2**62)}


def test_streams_of_different_seed_purpose_or_name_are_unrelated():
    streams = [
        named_stream(seed, purpose, name).standard_normal(20_000)
        for seed, purpose, name in itertools.product((1, 2), ("component", "connection"), ("a", "b", "ab"))
    ]
    correlation = np.corrcoef(streams) - np.eye(len(streams))
    assert np.abs(correlation).max() < 5 / np.sqrt(20_000)


def test_a_stream_does_not_touch_numpys_global_one():
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    named_stream(1, "component", "a").random(10)
    assert np.random.random() == expected  # noqa: NPY002


@pytest.mark.parametrize("seed", [-1, 1.0, True, None, "1", np.float64(2)])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ConfigurationError, match=r"seed = .* must be a whole number, 0 or above"):
        named_stream(seed, "component", "a")


def test_seeds_of_any_size_and_integer_type_are_taken():
    big = named_stream(2**70, "component", "a").random(4)
    assert not np.array_equal(big, named_stream(2**70 + 1, "component", "a").random(4))
    np.testing.assert_array_equal(
        named_stream(np.int64(5), "component", "a").random(4), named_stream(5, "component", "a").random(4)
    )


@pytest.mark.parametrize("drawn", range(9))
def test_a_saved_stream_continues_exactly(drawn):
    """In the middle of Philox's buffer of four words, and of a word of which only one half was used."""
    rng = named_stream(1, "component", "a")
    rng.random(drawn)
    rng.integers(10, dtype=np.uint32)
    saved = generator_state(rng)
    assert saved.dtype == np.uint64

    def more(rng):
        return [rng.integers(2**32, size=3, dtype=np.uint32), rng.standard_normal(7), rng.poisson(3.0, 20)]

    expected = more(rng)
    again = named_stream(99, "other", "b")
    restore_generator(again, saved)
    for one, other in zip(expected, more(again), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_saved_state_is_not_changed_by_going_on():
    rng = named_stream(1, "component", "a")
    saved = generator_state(rng)
    kept = saved.copy()
    restore_generator(rng, saved)
    rng.random(1000)
    np.testing.assert_array_equal(saved, kept)


def test_numbers_drawn_ahead_are_those_of_the_generator_and_it_goes_on_behind_those_that_were_used():
    ahead, plain = Uniforms(named_stream(1, "connection", "a")), named_stream(1, "connection", "a")
    for count in (0, 3, 500, 12, 2000, 1, 40, 511, 513):
        while ahead.ahead.size < count:
            ahead.more()
        np.testing.assert_array_equal(ahead.ahead[:count], plain.random(count))
        ahead.used(count)
        if count in (12, 40):
            np.testing.assert_array_equal(ahead.generator().poisson(30.0, 5), plain.poisson(30.0, 5))
    np.testing.assert_array_equal(generator_state(ahead.generator()), generator_state(plain))
    saved = generator_state(plain)
    ahead.more()
    ahead.used(7)
    restore_generator(ahead.generator(), saved)
    ahead.more()
    np.testing.assert_array_equal(ahead.ahead, plain.random(ahead.ahead.size))
