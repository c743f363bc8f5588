"""What to compute from results."""

from __future__ import annotations

from hybrid.analysis.recruitment import RankCorrelation, recruitment_times_ms, spearman

__all__ = ["RankCorrelation", "recruitment_times_ms", "spearman"]
