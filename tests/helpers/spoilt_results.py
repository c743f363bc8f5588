"""Files of results that somebody changed, and how they are answered."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from hybrid.errors import DataError
from hybrid.results import Results
from hybrid.results.layout import metadata_digest


def assert_refused(path: Path, match: str) -> None:
    with pytest.raises(DataError, match=match) as caught:
        Results.load(path)
    assert str(path) in str(caught.value)


def forge(file: h5py.File) -> None:
    """Give a changed file the checksum that fits it, as only someone who means it would."""
    file.attrs.create("metadata_sha256", np.bytes_(metadata_digest(file)))
