"""What to compute from results."""

from __future__ import annotations

from hybrid.analysis.features import deviations, mean_rates_hz, means
from hybrid.analysis.recruitment import RankCorrelation, recruitment_times_ms, spearman

__all__ = ["RankCorrelation", "deviations", "mean_rates_hz", "means", "recruitment_times_ms", "spearman"]
