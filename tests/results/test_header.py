"""What a file of results says of itself, without its recordings."""

from __future__ import annotations

import h5py
import pytest
from sweeps import experiment

from hybrid import Results
from hybrid.errors import DataError
from hybrid.experiment import Experiment
from hybrid.results.header import read_header


@pytest.fixture
def path(tmp_path):
    run = Experiment.load(experiment(tmp_path))
    run.simulation().run(5, out=tmp_path / "run.h5")
    return tmp_path / "run.h5"


def test_it_is_what_loading_all_gives(path):
    header, results = read_header(path), Results.load(path)
    assert header.content_sha256 == results.content_sha256
    assert header.configuration == results.configuration
    assert header.interrupted_by is None


def test_what_is_no_whole_file_of_results_is_refused(path, tmp_path):
    data = path.read_bytes()
    for text in (b"", b"x" * 100, data[: len(data) // 2]):
        path.write_bytes(text)
        with pytest.raises(DataError, match=r"run\.h5: "):
            read_header(path)
    with h5py.File(tmp_path / "other.h5", "w"), pytest.raises(DataError):
        read_header(tmp_path / "other.h5")
    with pytest.raises(DataError, match="there is no such file"):
        read_header(tmp_path / "nowhere.h5")
