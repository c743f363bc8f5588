"""The connectomes of the package ``tvb-data``, read where pip installed it; nothing of it is copied here.

Every sentence below was found by opening the files of tvb-data 3.0.0. That package does not document how its
connectomes were made, so the sentences say what the labels and numbers show, and no more.
"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from hybrid.errors import DataError, unknown


@dataclass(frozen=True)
class TvbSet:
    """One of the connectomes: what is known of it, the axes of its centres, and its rule for lengths of 0."""

    provenance: str
    axes: str
    zero_lengths: str = "refuse"


_REGIONAL_MAP = "whose regions follow the macaque regional map of Kötter and Wanke (2005), placed in a human brain"

SETS: dict[str, TvbSet] = {
    "tvb66": TvbSet(
        "connectivity_66.zip of the package tvb-data: undirected weights between the 66 human cortical regions of "
        "Hagmann et al. (2008).",
        "x points to the front, y to the left, z up",
    ),
    "tvb68": TvbSet(
        "connectivity_68.zip of the package tvb-data: undirected weights between the 68 human cortical regions of "
        "Desikan et al. (2006).",
        "x points to the back, y to the left, z up",
    ),
    "tvb76": TvbSet(
        f"connectivity_76.zip of the package tvb-data, TVB's default: directed weights, most in classes from 0 to 3, "
        f"{_REGIONAL_MAP}.",
        "x points to the front, y to the left, z up",
    ),
    "tvb96": TvbSet(
        f"connectivity_96.zip of the package tvb-data: directed weights in classes from 0 to 3, {_REGIONAL_MAP}, with "
        f"thalamus and basal ganglia; all tract lengths are straight distances between centres.",
        "x points to the right, y to the front, z up",
    ),
    "tvb192": TvbSet(
        f"connectivity_192.zip of the package tvb-data: directed weights, most in classes from 0 to 3, "
        f"{_REGIONAL_MAP}, with thalamic nuclei that share one centre a side.",
        "x points to the front, y to the right, z up, so that the sides are exchanged against tvb76",
        zero_lengths="shortest",
    ),
}


def set_name(name: str | int) -> str | None:
    """``"tvb76"`` for ``"tvb76"``, ``"76"`` and ``76``; ``None`` for what does not look like the name of a set."""
    match = re.fullmatch(r"(?:tvb)?(\d+)", str(name), re.IGNORECASE)
    if not match:
        return None
    canonical = f"tvb{match.group(1)}"
    if canonical not in SETS:
        raise unknown("connectome", canonical, SETS)
    return canonical


def find_zip(name: str) -> Path:
    """Where the zip of a set lies; ``DataError`` says how to get it. The package is found, not imported."""
    package = importlib.util.find_spec("tvb_data")
    if package is None or not package.submodule_search_locations:
        raise DataError(
            f"connectome {name!r} is in the package tvb-data, which is not installed; "
            f'pip install "hybrid-brain-simulation[data]"'
        )
    path = Path(package.submodule_search_locations[0]) / "connectivity" / f"connectivity_{name[3:]}.zip"
    if not path.is_file():
        raise DataError(
            f"the installed tvb-data has no {path.name} for connectome {name!r}; "
            f'pip install --upgrade "hybrid-brain-simulation[data]"'
        )
    return path
