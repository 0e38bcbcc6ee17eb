"""Prometheus metrics of the shadow. Their only label is the version of the challenger."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Summary

LABEL = ["version"]


class ShadowMetrics:
    """What the challenger was given, and what it made of it."""

    def __init__(self, of: CollectorRegistry) -> None:
        self.leads = Counter(
            "trialwise_shadow_leads_total",
            "Answered leads, by what the challenger made of them",
            [*LABEL, "outcome"],
            registry=of,
        )
        self.champion = Summary(
            "trialwise_shadow_champion_probability_ratio",
            "What the champion gave the leads that were compared",
            LABEL,
            registry=of,
        )
        self.challenger = Summary(
            "trialwise_shadow_challenger_probability_ratio", "What the challenger gave the same leads", LABEL, registry=of
        )
        self.apart = Summary(
            "trialwise_shadow_absolute_shift_ratio", "How far the two probabilities of a lead are apart", LABEL, registry=of
        )
        self.grade_changes = Counter(
            "trialwise_shadow_grade_changes_total", "Leads to which the challenger gave another grade", LABEL, registry=of
        )
        self.loaded = Gauge(
            "trialwise_shadow_info", "1 for the challenger that is compared", LABEL, registry=of, multiprocess_mode="livemax"
        )
