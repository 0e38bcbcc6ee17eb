"""The model card: what the model is for, what it was made of, and where it should not be trusted."""

from __future__ import annotations

from training.evaluation import Figure
from training.report.content import Content
from training.verdict import PUBLISH

_TITLES = {
    "auc": "AUC",
    "log_loss": "log-loss",
    "brier": "Brier",
    "ece": "calibration error",
    "lift_10": "lift of the best tenth",
}


def card(content: Content) -> list[tuple[str, list[str]]]:
    """Return the card: headings with their lines, without any markup."""
    scorer, facts = content.scorer, content.facts
    horizon = f"{scorer.meta.horizon_days:g} days"
    as_of = str(facts.get("as_of") or "")
    recipe = facts.get("recipe")
    learner = str(recipe["learner"]).replace("_", " ") if isinstance(recipe, dict) else "unknown"
    calibration = str(recipe["calibration"]) if isinstance(recipe, dict) else "unknown"
    source = f"{facts['leads']:,} leads, {facts['conversions']:,} of which paid, seen in {facts['rows']:,} looks"
    return [
        ("Purpose", [f"The probability that a free-trial lead pays within {horizon}, to decide whom to contact first."]),
        (
            "Not for",
            ["Decisions about a person other than whom to contact; leads of another product; claims of cause and effect."],
        ),
        ("Data", [f"{source}{', as known at ' + as_of if as_of else ', from a table without dates'}."]),
        ("Learner", [f"{learner[:1].upper()}{learner[1:]}; calibration: {calibration}; seed {facts['seed']}."]),
        ("Figures", [*_figures(content), *content.examination.sentences]),
        ("Verdict", [content.verdict.sentence]),
        ("Gate", [f"{content.gate.decision}; {content.gate.reason}"]),
        ("Limits", _limits(content)),
        ("Privacy", ["Contact data and identifiers are never features and are in no file of the model."]),
        (
            "Features",
            [
                f"{len(content.used):,} of {len(scorer.feature_set.features):,} in the catalogue: "
                f"{', '.join(content.used) or 'none'}."
            ],
        ),
        ("Fingerprint", [f"{scorer.definition.fingerprint} (the definition of the features)"]),
    ]


def _figures(content: Content) -> list[str]:
    if content.evaluation is None:
        return ["None: the leads set aside to judge by have one outcome only."]
    macro = content.evaluation.macro
    told = [f"{title} {_told(macro[key])}" for key, title in _TITLES.items() if key in macro]
    if content.examination.calibration:
        told.append(f"Brier skill {_told(content.examination.calibration[0].figures['brier_skill'])}")
    how = "later leads" if content.time_forward else "leads set aside at random"
    return [
        f"On {content.evaluation.leads:,} {how} ({content.evaluation.conversions:,} paid), averaged over ages: {'; '.join(told)}."
    ]


def _told(figure: Figure) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _limits(content: Content) -> list[str]:
    oldest = max(content.ages_days)
    limits = ["It has learnt who pays, not what makes leads pay: the reasons are associations."]
    if content.facts.get("as_of"):
        limits.append(f"It knows trials of up to {oldest:g} days; older ones are answered as if they were of that age.")
    if not content.time_forward:
        limits.append("There was too little history to judge it by later leads: its figures are of leads set aside at random.")
    if content.evaluation is None or not content.evaluation.reliable:
        limits.append("Few accounts converted among the leads that judged it: its intervals are guesses.")
    if content.verdict.word != PUBLISH:
        limits.append(f"Its verdict is “{content.verdict.word}”.")
    if content.examination.slices.worst is not None:
        limits.append(content.examination.slices.sentence)
    return limits


def model_card(content: Content) -> str:
    """Return the card as Markdown."""
    parts = [f"# Model card: {content.scorer.meta.name}"]
    for head, lines in card(content):
        parts.append(f"## {head}")
        parts += [escaped(line) for line in lines]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Keep names of the data from being read as markup.

    >>> escaped("a_b <script>")
    'a\\\\_b &lt;script&gt;'
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{letter}" if letter in "\\`*_[]#|" else letter for letter in text)
