"""Shapes of requests and answers: checked where a caller's mistake is likely, and shown in /openapi.json."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Id = Annotated[str, Field(min_length=1, max_length=256)]
LEADS = (
    "Leads as {lead_id, started_at, attributes?, account?, events?: [{event, timestamp, id?, received_at?, count?, "
    "properties?}]}, or with features?: {name: value} in place of events and attributes. Who the mates of an account are is not "
    "posted, and nothing that is stored is looked at: features over account mates are missing. A stored lead has them."
)
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    """A request: no other keys, no texts for numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PostedEvent(_Strict):
    """One event of a lead that is scored without being stored."""

    event: Id
    timestamp: str
    id: Id | None = None
    received_at: str | None = None
    count: Annotated[int, Field(ge=1, lt=2**31)] = 1
    properties: dict[str, JsonValue] = Field(default_factory=dict)


class PostedLead(_Strict):
    """One lead, with its events or with its features."""

    lead_id: Id
    started_at: str | None = None
    attributes: dict[str, JsonValue] = Field(default_factory=dict)
    account: Id | None = None
    """Its mates are not posted: features over account mates are missing."""
    events: list[PostedEvent] = Field(default_factory=list)
    features: dict[str, Number | str | None] | None = None


class ScoreBody(_Strict):
    """What ``POST /v1/score`` takes. Each lead is checked by itself, and only then."""

    as_of: str | None = None
    lang: str | None = None
    reasons: int | str | None = None
    leads: list[Any] = Field(description=LEADS)


class LeadsBody(_Strict):
    """What ``POST /v1/leads/scores`` takes."""

    lead_ids: Annotated[list[Id], Field(max_length=500)]
    as_of: str | None = None
    lang: str | None = None
    reasons: int | str | None = None


class Refusal(BaseModel):
    """One item that was not taken."""

    index: int
    code: str
    detail: str


class IngestAnswer(BaseModel):
    """What became of a request's items; every item is in exactly one of the three."""

    success: bool
    accepted: int
    duplicates: int
    refused: list[Refusal]


class PostHogAnswer(IngestAnswer):
    """The same to PostHog's clients, which look for the status."""

    status: int


class Reason(BaseModel):
    """How much one player moved the score, and the sentence that says why."""

    player: str
    feature: str
    value: float | str | None
    points: float
    log_odds: float
    text: str
    typical: str | None


class Rest(BaseModel):
    """The sum of the players that are not listed."""

    points: float
    log_odds: float


class ModelName(BaseModel):
    """Which model answered."""

    name: str
    version: str
    fingerprint: str


class Warned(BaseModel):
    """Something to know about a score."""

    code: str
    detail: str


class Score(BaseModel):
    """A score, everywhere the same shape.

    ``percentile`` is the share of scores below this one, in per cent, among the leads by which the model was judged: frozen with
    the model, as the grade is. ``percentile_live`` is the same among the latest scores of the leads that are live now. It is null
    with fewer than 20 of them, for leads that are posted and not stored, and for a score as of more than an hour ago.
    """

    lead_id: str
    as_of: str | None
    probability: float | None
    horizon_days: float
    by: str | None
    grade: str | None
    percentile: float | None
    percentile_live: float | None
    stage: str
    base: float
    reasons: list[Reason]
    rest: Rest
    model: ModelName
    features_as_of: str | None
    warnings: list[Warned]


class ScoresAnswer(BaseModel):
    """The scores of many leads, and what could not be scored."""

    scores: list[Score]
    errors: list[Refusal]


class ScorePage(BaseModel):
    """A page of the work list."""

    items: list[Score]
    next: str | None


class FeaturesAnswer(BaseModel):
    """The numbers behind a score."""

    lead_id: str
    as_of: str | None
    features: dict[str, float | str | None]
    fingerprint: str


class ShadowAnswer(BaseModel):
    """How the challenger compares with what serves, by what one worker has answered since it loaded both.

    Means are of probabilities, shifts are challenger minus champion; the rank correlation is Spearman's.
    """

    version: str | None
    digest: str | None
    problem: str | None
    scored: int
    dropped: int
    failed: int
    champion_mean: float | None
    challenger_mean: float | None
    mean_shift: float | None
    mean_absolute_shift: float | None
    grade_changes: int
    rank_correlation: float | None


class ModelAnswer(BaseModel):
    """What serves, and why."""

    name: str
    serving: bool
    version: str | None
    digest: str | None
    run_id: str | None
    fingerprint: str | None
    horizon_days: float | None
    base: float | None
    verdict: str | None
    stale: bool
    problem: str | None
    differing_keys: list[str]
    alias: str
    data_digest: str | None
    shadow: ShadowAnswer | None


class ForgetAnswer(BaseModel):
    """What was removed of a lead, and what remains; it does not say who that was."""

    ids: int
    forgotten_before: bool
    removed: dict[str, int]
    rows: int
    erased: bool
    problem: str | None
    remains: list[str]


class ProblemAnswer(BaseModel):
    """RFC 9457 problem details; ``code`` is never renamed within /v1."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class HealthAnswer(BaseModel):
    """Whether the server lives, or is ready."""

    status: str
    checks: dict[str, str] = Field(default_factory=dict)


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what OpenAPI says of a JSON body that the route reads itself."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def in_query(name: str, told: str) -> dict[str, Any]:
    """Return the description of a text that an address may hold, as FastAPI writes it."""
    kinds = [{"type": "string"}, {"type": "null"}]
    schema = {"anyOf": kinds, "description": told, "title": name.replace("_", " ").title()}
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": told}


def body_of(model: type[BaseModel], others: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the schema of a request model, whole in itself, and what else the door takes, by content type."""
    found = described(_inlined(model.model_json_schema()))
    found["requestBody"]["content"].update(others or {})
    return found


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Put definitions in the place of references to them: a body's schema stands outside OpenAPI's components."""
    definitions = schema.pop("$defs", {})

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            return {} if name == "JsonValue" else walk(definitions[name]) if name else {k: walk(v) for k, v in node.items()}
        return [walk(item) for item in node] if isinstance(node, list) else node

    found: dict[str, Any] = walk(schema)
    return found
