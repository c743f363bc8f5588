"""What the package ships: its adapters, found rather than listed."""

from __future__ import annotations

import adapters
from hybrid import Adapter

OURS = [
    each
    for each in map(adapters.__dict__.get, adapters.__all__)
    if isinstance(each, type) and issubclass(each, Adapter)
]
