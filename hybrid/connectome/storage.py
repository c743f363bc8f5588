"""Arrays into an ``.npz`` that is whole or not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.connectome.archives import FREE_BYTES, RATIO
from hybrid.errors import ConfigurationError, OutputExistsError


def write_npz(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Written aside, then renamed, so that no reader ever meets half a file; an existing file is never touched."""
    if path.suffix != ".npz":
        raise ConfigurationError(f"{path} must end in .npz")
    if path.exists():
        raise OutputExistsError(f"{path} is already there; give another name or remove it")
    if not path.parent.is_dir():
        raise ConfigurationError(f"the folder {path.parent} does not exist; make it first")
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("xb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
            if sum(array.nbytes for array in arrays.values()) > max(FREE_BYTES, RATIO * file.tell()):
                file.seek(0)  # nearly all zeros: packed so well that it would be taken for a bomb when it is loaded
                np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
