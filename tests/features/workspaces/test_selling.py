"""The sections for growth and sales."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from features.workspaces.selling import PlaySpec, ScorecardSpec, StagesSpec, WebhookSpec


def test_defaults() -> None:
    stages = StagesSpec()
    assert (stages.mql, stages.sql, stages.pql_probability) == (("marketing",), ("sales",), None)
    play = PlaySpec.model_validate(
        {"text": {"en": "A call", "tr": "Bir görüşme"}, "moves": "sales", "suits": {"size": {"ge": 10}}}
    )
    assert (play.moves, play.cost, play.reach, play.enabled) == (("sales",), 0, "one", True)
    assert (play.stages, play.times, play.again_after_days) == ((), 1, 30)
    assert ScorecardSpec.model_validate({"points": {"any_count_7d": 1}}).points == {"any_count_7d": 1.0}
    assert WebhookSpec.model_validate({"url": "https://x.example/y", "on": "grade"}).on == ("grade",)


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (ScorecardSpec, {"base_rate": 0}),
        (ScorecardSpec, {"points": {"x": 21}}),
        (ScorecardSpec, {"points": {"x": "1"}}),
        (StagesSpec, {"pql_probability": 1}),
        (StagesSpec, {"hysteresis": -0.1}),
        (PlaySpec, {"reach": "some"}),
        (PlaySpec, {"cost": -1}),
        (PlaySpec, {"times": 0}),
        (PlaySpec, {"stages": ("customer",)}),
        (PlaySpec, {"text": {"fr": "x"}}),
        (PlaySpec, {"enabled": "no"}),
        (WebhookSpec, {"url": "file:///etc/passwd"}),
        (WebhookSpec, {"url": "https://x", "on": ("deleted",)}),
        (WebhookSpec, {}),
    ],
)
def test_refused(model: Any, value: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(value)


def test_addresses_and_secrets_stay_out_of_the_repr() -> None:
    shown = repr(WebhookSpec.model_validate({"url": "https://x", "secret": "hunter2"}))
    assert shown == "WebhookSpec(on=('stage',), format='standard')"
