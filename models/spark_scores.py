"""`features` and `score` with Spark: the same rule of who is looked at, the same rows, computed by its workers."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from features import spark
from features.catalog import feature_set
from features.clock import format_us, now_us
from features.definition import Definition
from features.feature import FeatureSet
from features.sparking.dealing import events_spec
from features.sparking.layout import check_folder, without_sources
from features.sparking.told import Told
from features.sparking.usage import flat, usage_of
from features.tables import Tables
from features.vocabulary import count_usage
from features.workspace import Workspace, load_workspace
from models import registry
from models.artifact import load
from models.batch import (
    DIFFERS,
    Say,
    feature_columns,
    feature_rows,
    fitting_definition,
    parse_reasons,
    phrasing,
    score_columns,
    score_rows,
)
from models.champion import Champion, need_champion, same_mapping
from models.outfile import arrow_table
from models.phrasing import Phrasing
from models.population import LEFT_OUT, Asked, Population, check_asked, choose, not_known_yet, parse_when
from models.registry import ChampionRef


@dataclass(frozen=True, slots=True)
class Looks:
    """Who is looked at and as of when, as every worker is told."""

    ws: Workspace
    definition: Definition | None
    asked: Asked
    cut: int | None
    newest: int = 0
    """The newest time of all the data, where that matters."""

    def population(self, tables: Tables) -> Population:
        """Return who is looked at in one bucket."""
        return choose(self.ws, replace(tables, newest=self.newest), self.asked, self.cut, self.definition)

    @property
    def at(self) -> int | None:
        """The one instant as of which all are looked at, None with an age."""
        if self.asked.age_days is not None:
            return None
        return self.newest if self.cut is None else self.cut


@dataclass(frozen=True)
class Model:
    """A champion as its files, which workers read as strictly as anybody else."""

    ref: ChampionRef
    files: tuple[tuple[str, bytes], ...] = ()

    def __hash__(self) -> int:
        return hash(self.ref)

    @classmethod
    def of(cls, champion: Champion) -> Model:
        """Fetch the files of a champion."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = registry.download(champion.ref, Path(scratch))
            return cls(champion.ref, tuple((path.name, path.read_bytes()) for path in sorted(folder.iterdir())))

    def champion(self) -> Champion:
        """Return the champion, read once in each process."""
        return _loaded(self)


@lru_cache(maxsize=2)
def _loaded(model: Model) -> Champion:
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in model.files:
            (Path(scratch) / name).write_bytes(content)
        return Champion(model.ref, load(Path(scratch), digest=model.ref.digest))


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores the leads of a bucket."""

    looks: Looks
    model: Model
    reasons: int | None
    lang: str | None

    def __call__(self, tables: Tables) -> tuple[Any, Counter[str]]:
        """Return flat scores, and who was left out."""
        who, champion, ws = self.looks.population(tables), self.model.champion(), self.looks.ws
        rows = score_rows(ws, champion, who, reasons=self.reasons, lang=self.lang)
        return arrow_table(rows, score_columns(ws, champion, self.reasons)), _counts(who)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Computes the features of a bucket."""

    looks: Looks
    definition: Definition

    def __call__(self, tables: Tables) -> tuple[Any, Counter[str]]:
        """Return the feature matrix, and who was left out."""
        who, features = self.looks.population(tables), _features(self.definition)
        return arrow_table(feature_rows(who, features), feature_columns(features)), _counts(who)


@lru_cache(maxsize=2)
def _feature_set(text: str) -> FeatureSet:
    return feature_set(Definition.from_json(text))


def _features(definition: Definition) -> FeatureSet:
    return _feature_set(definition.canonical())


def newest_time(tables: Tables) -> Told:
    """Tell the newest time of a bucket."""
    return Told(newest=tables.newest)


@dataclass(frozen=True, slots=True)
class LastLook:
    """Tells the last instant as of which somebody is looked at."""

    looks: Looks

    def __call__(self, tables: Tables) -> Told:
        """Return it, 0 where there is nobody."""
        return Told(newest=int(self.looks.population(tables).as_of.max(initial=0)))


@dataclass(frozen=True, slots=True)
class Uses:
    """Tells who uses what, as it was known at an instant."""

    definition: Definition
    cut: int | None

    def __call__(self, tables: Tables) -> Told:
        """Return it as counts."""
        return Told(flat(count_usage(self.definition, tables, self.cut)))


def write_scores_spark(
    workspace: Path,
    out: Path,
    *,
    asked: Asked,
    reasons: str,
    lang: str | None,
    say: Say,
    buckets: int | None = None,
) -> dict[str, Any]:
    """Score everyone who is open with the champion into a folder of Parquet, as `write_scores` does into a file."""
    check_folder(out)
    ws, asked = _opened(workspace, asked)
    many = parse_reasons(reasons)
    phrasing(ws, lang)
    champion = need_champion(ws.name)
    definition = champion.scorer.definition
    with spark.running() as session:
        data, looks = _gathered(session, ws, definition, asked, champion.scorer.feature_set, buckets)
        _say_read(data, looks, say)
        if not same_mapping(ws, definition):
            say(f"warning: {Phrasing().warning(DIFFERS)}.")
        work = Scores(looks, Model.of(champion), many, lang)
        written = data.compute(work, score_columns(ws, champion, many))
        _say_left_out(written.told, say)
        written.write(out)
    scored, left_out = _account(ws, data, looks, written.told)
    say(f"Scored {scored:,} leads with version {champion.ref.version} of {ws.name}; wrote {out}.")
    return {"scored": scored, "left_out": left_out}


def write_features_spark(
    workspace: Path,
    out: Path,
    *,
    asked: Asked,
    say: Say,
    buckets: int | None = None,
) -> dict[str, Any]:
    """Write the feature matrix into a folder of Parquet, as `write_features` does into a file."""
    check_folder(out)
    ws, asked = _opened(workspace, asked)
    definition = fitting_definition(ws, say)
    with spark.running() as session:
        data, looks = _gathered(session, ws, None, asked, feature_set(definition or ws.definition()), buckets)
        _say_read(data, looks, say)
        definition = definition or _learnt(ws, data, looks)
        features = feature_set(definition)
        written = data.compute(Matrix(looks, definition), feature_columns(features))
        _say_left_out(written.told, say)
        written.write(out)
    rows, left_out = _account(ws, data, looks, written.told)
    say(f"Wrote {rows:,} rows to {out}.")
    return {"rows": rows, "left_out": left_out, "fingerprint": definition.fingerprint}


def _opened(workspace: Path, asked: Asked) -> tuple[Workspace, Asked]:
    ws = load_workspace(workspace)
    check_asked(asked)
    times = {"--started-from": asked.started_from, "--started-before": asked.started_before, "--as-of": asked.as_of}
    for option, text in times.items():
        parse_when(text, option, ws)
    events_spec(ws)
    return ws, asked


def _gathered(
    session: spark.SparkSession,
    ws: Workspace,
    definition: Definition | None,
    asked: Asked,
    features: FeatureSet,
    buckets: int | None,
) -> tuple[spark.Gathered, Looks]:
    """Deal the data out, as of the instant that was asked for; without one it is now, or the newest time of the data."""
    mates = any(feature.over == "mates" for feature in features.features)
    now, cut = now_us(), None if asked.as_of is None else parse_when(asked.as_of, "--as-of", ws)
    looks = Looks(without_sources(ws), definition, asked, cut)
    data = spark.gather(session, ws, definition, cut=cut, mates=mates, buckets=buckets)
    if cut is not None:
        return data, looks
    newest = data.survey(newest_time).newest
    if asked.age_days is None and newest > now:
        return spark.gather(session, ws, definition, cut=now, mates=mates, buckets=buckets), replace(looks, cut=now)
    return data, replace(looks, newest=newest)


def _learnt(ws: Workspace, data: spark.Gathered, looks: Looks) -> Definition:
    """Return the definition of the workspace with the vocabularies that the data give as of then."""
    last = looks.at if looks.at is not None else data.survey(LastLook(looks)).newest or None
    vocabulary, categories = usage_of(data.survey(Uses(ws.definition(), last)).counts).words()
    return ws.definition(vocabulary=vocabulary, categories=categories)


def _counts(who: Population) -> Counter[str]:
    return Counter({"rows": len(who.lead), **who.left_out})


def _account(ws: Workspace, data: spark.Gathered, looks: Looks, told: Told) -> tuple[int, dict[str, int]]:
    """Return how many rows there are, and who was left out."""
    left_out = {reason: told.counts[reason] for reason in LEFT_OUT}
    left_out["not_started"] += not_known_yet(ws, data.people.report, told.counts["leads"], looks.asked, looks.cut)
    return told.counts["rows"], left_out


def _say_read(data: spark.Gathered, looks: Looks, say: Say) -> None:
    refused = sum(data.told.refused.values())
    say(f"Read {data.told.counts['read']:,} events with Spark; {refused:,} rows cannot be used.")
    if looks.at is not None:
        say(f"As of {format_us(looks.at)}.")


def _say_left_out(told: Told, say: Say) -> None:
    unknown, outside, again = (told.counts[name] for name in ("unknown", "outside", "duplicates"))
    say(f"Left out: {unknown:,} events of unknown leads, {outside:,} that were not asked for, {again:,} that came again.")
