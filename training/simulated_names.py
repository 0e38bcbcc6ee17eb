"""The events of the simulated product by name: how often each one happens in each hidden state, and what it carries.

A rate is multiplied by one factor each for engagement, activation and intent. Rates inside a visit are per visit; the others are
per day, visit or not: letters that are opened, calls that are held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.simulated_product import ACTIVATED_OF, ENGAGEMENT_OF, INTENT_OF, Floats

VISITS_A_DAY = np.array([0.03, 0.45, 1.25, 2.50])  # by engagement
VISITS_OF_PHASE = np.array([2.3, 1.1, 0.25])  # curious at first; after the trial little is left open
WEEKEND_KEPT = 0.45
VISIT_OPENS = ("app_opened", "login")
LOGIN_SHARE = 0.3
ACTIVATION = "project_created"

_Levels = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Emission:
    """One event name: its rate, what multiplies it, and the kind of value it carries (amount or score)."""

    name: str
    rate: float
    engagement: _Levels = (1.0, 1.0, 1.0, 1.0)
    activated: tuple[float, float] = (1.0, 1.0)
    intent: tuple[float, float, float] = (1.0, 1.0, 1.0)
    carries: str = ""

    def of_state(self) -> Floats:
        """Return the rate in each hidden state."""
        return np.asarray(
            self.rate
            * np.array(self.engagement)[ENGAGEMENT_OF]
            * np.array(self.activated)[ACTIVATED_OF]
            * np.array(self.intent)[INTENT_OF],
            dtype=np.float64,
        )


_USE: _Levels = (0.3, 0.7, 1.15, 1.7)
_DEEP: _Levels = (0.15, 0.55, 1.15, 1.9)
_LOST: _Levels = (1.8, 1.3, 0.9, 0.6)
_CLICKED = (0.35, 1.5)
_BUYING = (0.10, 2.4, 8.0)
_CURIOUS = (0.6, 1.6, 1.8)

IN_A_VISIT = (
    # core_use: each name is a feature of the product; the later ones open up only once the product has clicked
    Emission("feature.dashboard", 0.27, _USE),
    Emission("feature.search", 0.21, _USE),
    Emission("feature.editor", 0.21, _USE, (0.7, 1.2)),
    Emission("feature.import", 0.132, _USE, (0.8, 1.1)),
    Emission("feature.template", 0.108, _USE),
    Emission("feature.report", 0.132, _DEEP, _CLICKED),
    Emission("feature.export", 0.108, _DEEP, _CLICKED),
    Emission("feature.schedule", 0.072, _DEEP, _CLICKED),
    Emission("feature.automation", 0.072, _DEEP, (0.2, 1.7)),
    Emission("feature.integration", 0.048, _DEEP, (0.3, 1.6), (0.8, 1.1, 1.5)),
    Emission("feature.api_key", 0.024, _DEEP, (0.3, 1.6), (0.8, 1.1, 1.5)),
    Emission("feature.bulk_edit", 0.036, _DEEP, _CLICKED),
    # milestone: the first project is the activation itself, and is emitted by it
    Emission("project_created", 0.05, _DEEP, (0.0, 1.0)),
    Emission("email_sent", 0.14, _DEEP, (0.12, 1.5)),
    Emission("report_published", 0.06, _DEEP, (0.05, 1.5)),
    # purchase intent
    Emission("upgrade_page_viewed", 0.070, intent=_BUYING),
    Emission("page:/pricing", 0.075, intent=_BUYING),
    Emission("page:/pricing/compare", 0.030, intent=_BUYING),
    Emission("plan_compared", 0.020, intent=_BUYING),
    Emission("addon_bought", 0.006, _DEEP, (0.4, 1.4), (0.2, 1.0, 4.0), "amount"),
    Emission("credits_bought", 0.004, _DEEP, (0.4, 1.4), (0.2, 1.0, 4.0), "amount"),
    # asking and learning
    Emission("ticket.opened", 0.020, (1.0, 1.0, 1.0, 0.9), intent=(0.9, 1.1, 1.4)),
    Emission("ticket.replied", 0.012, (1.0, 1.0, 1.0, 0.9), intent=(0.9, 1.1, 1.4)),
    Emission("chat_started", 0.025, intent=_CURIOUS),
    Emission("webinar.joined", 0.012, intent=_CURIOUS),
    Emission("docs_viewed", 0.10, (0.8, 1.0, 1.1, 1.1), (1.1, 0.9)),
    Emission("tutorial.completed", 0.05, (0.6, 0.9, 1.1, 1.2), (1.2, 0.8)),
    Emission("forum.viewed", 0.05, _USE),
    Emission("forum.post", 0.015, _DEEP, (0.6, 1.3)),
    # telling about oneself
    Emission("profile.completed", 0.020, _USE, intent=_CURIOUS),
    Emission("profile.photo_added", 0.015, _USE, intent=_CURIOUS),
    # what they think of it
    Emission("thumbs_up", 0.040, (0.4, 0.8, 1.2, 1.4), (0.6, 1.3)),
    Emission("thumbs_down", 0.020, _LOST, (1.3, 0.7)),
    Emission("nps_answered", 0.020, carries="score"),
    # bringing others
    Emission("invite_sent", 0.055, _DEEP, (0.5, 1.4), (0.8, 1.2, 1.5)),
    Emission("teammate_joined", 0.025, _DEEP, (0.4, 1.5), (0.8, 1.2, 1.5)),
    Emission("shared", 0.030, _DEEP, (0.5, 1.4)),
    Emission("referred", 0.006, _DEEP, (0.4, 1.5)),
    # what went wrong
    Emission("error.timeout", 0.040, _LOST),
    Emission("error.import_failed", 0.030, _LOST, (1.3, 0.7)),
    Emission("error.payment_declined", 0.001, intent=(0.1, 1.0, 6.0)),
    # noise: names that the workspace file does not map
    Emission("heartbeat", 0.05),
    Emission("page:/settings", 0.06),
    Emission("tooltip_shown", 0.06),
    Emission("theme_changed", 0.02),
)

ANY_DAY = (
    Emission("campaign.clicked", 0.018, (0.6, 1.0, 1.1, 1.1), intent=_CURIOUS),
    Emission("campaign.opened", 0.060, (0.7, 1.0, 1.1, 1.1), intent=(0.9, 1.1, 1.1)),
    Emission("webinar_invite_opened", 0.012, (0.6, 1.0, 1.1, 1.1), intent=_CURIOUS),
    Emission("demo_booked", 0.0045, (0.3, 0.8, 1.2, 1.4), intent=(0.15, 1.5, 5.0)),
    Emission("call_completed", 0.0040, (0.3, 0.8, 1.2, 1.4), intent=(0.10, 1.5, 5.5)),
    Emission("sync_finished", 0.010),
)

EVENT_NAMES = tuple(sorted({*VISIT_OPENS, *(emission.name for emission in IN_A_VISIT + ANY_DAY)}))


def spelt_by_an_old_client(name: str) -> str:
    """Write an event name as an older client does; folded, it is the same name.

    >>> spelt_by_an_old_client("upgrade_page_viewed"), spelt_by_an_old_client("feature.bulk_edit")
    ('Upgrade Page Viewed', 'Feature Bulk Edit')
    >>> spelt_by_an_old_client("page:/pricing")
    'page:/pricing'
    """
    return name if name.startswith("page:") else name.replace(".", " ").replace("_", " ").title()
