"""What a run gives back, how it is recorded, and the file it is kept in."""

from __future__ import annotations

from hybrid.results.info import format_info, software_versions
from hybrid.results.results import Results

__all__ = ["Results", "format_info", "software_versions"]
