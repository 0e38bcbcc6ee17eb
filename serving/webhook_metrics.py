"""Prometheus metrics of the watch and of the webhooks. Labels are names from the workspace file, never a lead or an address."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class WebhookMetrics:
    """What the watch looks at, and what becomes of the messages."""

    def __init__(self, of: CollectorRegistry) -> None:
        self.looked = Counter("trialwise_watch_leads_total", "Leads that were scored to see whether they changed", registry=of)
        self.look_seconds = Counter("trialwise_watch_seconds_total", "Time that scoring them took", registry=of)
        self.changes = Counter("trialwise_lead_changes_total", "Changes of stage or grade", ["kind"], registry=of)
        self.delivered = Counter("trialwise_webhook_delivered_total", "Messages delivered", ["endpoint"], registry=of)
        self.failed = Counter("trialwise_webhook_failed_total", "Attempts that failed", ["endpoint"], registry=of)
        self.given_up = Counter("trialwise_webhook_given_up_total", "Messages given up", ["endpoint"], registry=of)
        self.waiting = Gauge(
            "trialwise_webhook_waiting", "Messages that wait", ["endpoint"], registry=of, multiprocess_mode="livemostrecent"
        )
        self.oldest = Gauge(
            "trialwise_webhook_oldest_seconds", "Age of the oldest message that waits", ["endpoint"], registry=of,
            multiprocess_mode="livemostrecent",
        )  # fmt: skip
