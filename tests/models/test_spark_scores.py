"""`--engine spark` on a Spark of this machine: the very rows, bit for bit, that one machine writes, and the same account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from features.errors import InputError, OutsideError
from features.spark import running
from models.batch import write_features, write_scores
from models.population import Asked
from models.spark_scores import write_features_spark, write_scores_spark
from tests.features.sparking.product import write_product
from tests.features.sparking.test_one_interpreter import BY_EVENTS, FREEMIUM, NO_LEADS, NO_MERGES, bits
from tests.spark_session import spark
from tests.training.small_world import SmallWorld, silent
from training.verbs import run_train

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["spark"]

pytestmark = [pytest.mark.spark, pytest.mark.slow]

NOBODY = {"asked": Asked(), "say": silent}


@pytest.fixture(autouse=True)
def _at_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.getbasetemp() / "spark-home"
    monkeypatch.setenv("TRIALWISE_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def same(folder: Path, file: Path) -> None:
    """Columns, types, order and bits are the same."""
    mine, theirs = parquet.read_table(folder), parquet.read_table(file)
    assert mine.schema.equals(theirs.schema)
    assert bits(mine) == bits(theirs)
    assert mine.num_rows > 20


def test_any_number_of_buckets_gives_the_same_bits(spark: SparkSession, tmp_path: Path) -> None:
    path = write_product(tmp_path)
    local = write_features(path, tmp_path / "local.parquet", **{**NOBODY, "asked": Asked(3.0)})
    for buckets in (1, 3, 7):
        said: list[str] = []
        out = tmp_path / "spark.parquet"
        asked = {**NOBODY, "asked": Asked(3.0), "say": said.append}
        assert write_features_spark(path, out, **asked, buckets=buckets) == local
        same(out, tmp_path / "local.parquet")
        assert "Read 1,979 events with Spark; 10 rows cannot be used." in said
        assert "Left out: 10 events of unknown leads, 23 that were not asked for, 39 that came again." in said
    assert any(name.startswith("account_") for name in parquet.read_table(out).column_names)
    assert sorted(one.name for one in tmp_path.iterdir() if one.name.startswith(".")) == []


def test_days_no_leads_table_and_payments_that_are_events(spark: SparkSession, tmp_path: Path) -> None:
    path = write_product(tmp_path, by_day=True, edit={**NO_LEADS, **NO_MERGES, **BY_EVENTS, **FREEMIUM})
    asked = {**NOBODY, "asked": Asked(as_of="2025-05-01")}
    local = write_features(path, tmp_path / "local.parquet", **asked)
    assert write_features_spark(path, tmp_path / "spark.parquet", **asked) == local
    same(tmp_path / "spark.parquet", tmp_path / "local.parquet")


def test_tables_of_spark(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query is read as a file of the same rows is; as of the present, which lies in the middle of the data."""
    path = write_product(tmp_path, edit={", more.jsonl.gz": "", "events-*": "events-1"})
    monkeypatch.setattr("features.reading.as_of_now.now_us", lambda: 1_745_000_000_000_000)
    monkeypatch.setattr("models.spark_scores.now_us", lambda: 1_745_000_000_000_000)
    local = write_features(path, tmp_path / "local.parquet", **NOBODY)
    for name in ("leads", "events-1"):
        spark.read.parquet(f"file://{tmp_path}/{name}.parquet").createOrReplaceTempView(name.replace("-", "_"))
    events = '{url: spark, query: "select *, 1 as `odd.name` from events_1 where at <= :as_of"}'
    text = path.read_text().replace("[events-1.parquet]", events)
    path.write_text(text.replace("source: leads.parquet", 'source: {url: spark, query: "select * from leads"}'))
    assert write_features_spark(path, tmp_path / "spark.parquet", **NOBODY) == local
    same(tmp_path / "spark.parquet", tmp_path / "local.parquet")
    with pytest.raises(InputError, match="spark"):
        write_features(path, tmp_path / "again.parquet", **NOBODY)
    path.write_text(text.replace("from events_1", "from no_such_table"))
    with pytest.raises(InputError, match=r"Spark refused it: given .*no_such_table"):
        write_features_spark(path, tmp_path / "spark.parquet", **NOBODY)


def test_files_that_only_spark_can_open(spark: SparkSession, tmp_path: Path) -> None:
    edit = {", more.jsonl.gz": "", "events-*": "events-1"}
    path = write_product(tmp_path, edit=edit)
    local = write_features(path, tmp_path / "local.parquet", **{**NOBODY, "asked": Asked(2.0)})
    path.write_text(path.read_text().replace("[events-1.parquet]", f"file:{tmp_path}/events-1.parquet"))
    out = Path(f"file:{tmp_path}/spark.parquet")
    assert write_features_spark(path, out, **{**NOBODY, "asked": Asked(2.0)}) == local
    same(tmp_path / "spark.parquet", tmp_path / "local.parquet")
    with pytest.raises(InputError, match=r"Spark refused it: .*already exists"):
        write_features_spark(path, out, **{**NOBODY, "asked": Asked(2.0)})


def test_scores_with_reasons(spark: SparkSession, tmp_path: Path) -> None:
    path = SmallWorld(leads=500).write(tmp_path)
    run_train(path, trials=0, promote="force", say=silent)
    table = csv.read_csv(tmp_path / "events.csv")
    parquet.write_table(table.slice(0, 900), tmp_path / "a.parquet", row_group_size=100)
    parquet.write_table(table.slice(900), tmp_path / "b.parquet")
    changed = path.with_name("changed.yaml")
    text = path.read_text().replace("source: events.csv", "source: [a.parquet, b.parquet]")
    path.write_text(text)
    changed.write_text(text + "sessions: {gap_minutes: 45}\n")
    said: list[str] = []
    for file, reasons in ((path, "2"), (changed, "all")):
        asked = {**NOBODY, "asked": Asked(3.0), "reasons": reasons, "lang": "de"}
        local = write_scores(file, tmp_path / "local.parquet", **asked)
        assert write_scores_spark(file, tmp_path / "spark.parquet", **{**asked, "say": said.append}) == local
        same(tmp_path / "spark.parquet", tmp_path / "local.parquet")
    assert sum("differs" in line for line in said) == 1
    columns = parquet.read_table(tmp_path / "spark.parquet").column_names
    assert columns[:7] == ["lead_id", "as_of", "probability", "grade", "stage", "email", "reason_1"]
    assert np.isfinite(parquet.read_table(tmp_path / "spark.parquet").column("probability").to_numpy()).all()


def test_what_a_worker_refuses_is_one_sentence(spark: SparkSession, tmp_path: Path) -> None:
    path = write_product(tmp_path, edit={"at: at, id: id": "at: secs, id: id"})
    with pytest.raises(InputError, match="column 'secs' of events-1"):
        write_features_spark(path, tmp_path / "spark.parquet", **NOBODY)


def test_what_is_wrong_with_all_rows_stops_both(spark: SparkSession, tmp_path: Path) -> None:
    edit = {", more.jsonl.gz": "", "events-*": "events-1"}
    path = write_product(tmp_path, edit=edit)
    events = parquet.read_table(tmp_path / "events-1.parquet")
    strangers = events.set_column(events.schema.get_field_index("who"), "who", pa.array([f"x{i}" for i in range(len(events))]))
    for rows, words in ((strangers, "every row of data.events is refused"), (events.slice(0, 0), "data.events has no rows")):
        parquet.write_table(rows, tmp_path / "events-1.parquet")
        for write in (write_features, write_features_spark):
            with pytest.raises(InputError, match=words):
                write(path, tmp_path / "none.parquet", **NOBODY)


def test_a_session_of_somebody_else_keeps_its_settings(spark: SparkSession, tmp_path: Path) -> None:
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")

    def fail() -> None:
        with running() as session:
            assert session.conf.get("spark.sql.session.timeZone") == "UTC"
            session.range(1).mapInArrow(lambda batches: [1 // 0], "id bigint").collect()

    try:
        with pytest.raises(OutsideError, match=r"Spark failed: given ZeroDivisionError: .* look into its log"):
            fail()
        assert spark.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
    finally:
        spark.conf.unset("spark.sql.session.timeZone")


def test_a_column_may_have_any_name(spark: SparkSession, tmp_path: Path) -> None:
    path = write_product(
        tmp_path, leads=60, edit={'{country: category, "company size"': "{Country: category, country: category, told"}
    )
    people = parquet.read_table(tmp_path / "leads.parquet").to_pylist()
    rows = [{**row, "told": row["company size"], "Country": row["kind"]} for row in people]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "leads.parquet")
    local = write_features(path, tmp_path / "local.parquet", **NOBODY)
    assert write_features_spark(path, tmp_path / "spark.parquet", **NOBODY) == local
    same(tmp_path / "spark.parquet", tmp_path / "local.parquet")
