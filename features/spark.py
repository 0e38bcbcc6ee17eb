"""The same kernel inside Spark, for events that are too many for one machine; the only module that knows pyspark.

Rows are read by our own reader in the workers, dealt out to buckets of leads that belong together, and every bucket is then read
and computed as one machine does it: the numbers are the same to the bit, however many workers there are. Leads, payments and
merges are read by the driver, since they are few beside the events.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from features.clock import now_us
from features.definition import Definition
from features.errors import InputError, OutsideError
from features.reading.model_part import as_trained
from features.sparking.bucket_tables import Assembler
from features.sparking.buckets import deal_out
from features.sparking.copies import ROWS_DDL, SHARED_DDL, winners_of
from features.sparking.dealing import Dealer, Header, check_columns, events_spec, nests
from features.sparking.layout import address_of, event_sources, fetched, is_remote, without_sources
from features.sparking.parts import DDL, IDS, SCHEMA, TABLES, TOLD
from features.sparking.people import People
from features.sparking.told import Told, stop_if_all_refused, sum_of
from features.sparking.working import Compute, Computes, DealIds, FirstRows, ReadRows, ReadShares, SharedIds, Survey, Surveys
from features.tables import only_of_model
from features.workspaces.schema import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql import SparkSession as SparkSession

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROWS_OF_A_BUCKET = 500_000
_FEWEST_BUCKETS = 4
_ARROW_ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch"
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",  # as our own reader is, and as names of features are
    _ARROW_ROWS: "100000",
}


@contextmanager
def running() -> Iterator[SparkSession]:
    """Yield a session with our settings: the one that is there, or a new one as the environment says; by default this machine.

    What fails inside it is told as one sentence.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise InputError(
            "Spark is not installed", given="--engine spark", expected="pyspark", do="run pip install 'trialwise[spark]'"
        ) from None
    with _one_sentence(), warnings.catch_warnings():
        # Rows travel as Arrow: which version of pandas there is does not matter.
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
        spark = SparkSession.getActiveSession() or _new_session(SparkSession.builder)
        before = {key: spark.conf.get(key, None) for key in _SETTINGS}
        try:
            for key, value in _SETTINGS.items():
                spark.conf.set(key, value)
            yield spark
        finally:
            for key, old in before.items():
                if old is None:
                    spark.conf.unset(key)
                else:
                    spark.conf.set(key, old)


def _new_session(builder: Any) -> SparkSession:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # workers need the same libraries
    settings = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
    builder = builder.master(os.environ["SPARK_MASTER"]) if os.environ.get("SPARK_MASTER") else builder
    return builder.appName("trialwise").config(map=settings).getOrCreate()  # type: ignore[no-any-return]  # builder is Any


@contextmanager
def _one_sentence() -> Iterator[None]:
    from py4j.protocol import Py4JError
    from pyspark.errors import AnalysisException, PySparkException

    try:
        yield
    except AnalysisException as error:
        raise InputError(
            "Spark refused it", given=_said(error), expected="a source, query and --out that it accepts", do="correct it"
        ) from error
    except (PySparkException, Py4JError) as error:
        said = _said(error)
        if "JAVA_GATEWAY_EXITED" in said:
            raise OutsideError(
                "Spark cannot start Java", given=said, expected="Java 17", do="install it and set JAVA_HOME"
            ) from error
        do = "install trialwise on the workers" if "No module named" in said else "look into its log and run again"
        raise OutsideError("Spark failed", given=said, expected="a cluster that works", do=do) from error


def _said(error: Exception) -> str:
    """Return the line of an error that says what happened: behind a traceback of a worker it is the last one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    errors = [line for line in lines if re.match(r"[A-Za-z_.]+(Error|Exception): ", line)]
    return (lines[0] if lines[0].startswith("[") or not errors else errors[-1])[:300]


@dataclass(slots=True)
class Gathered:
    """All that a workspace has, dealt out to buckets over the cluster."""

    spark: SparkSession
    parts: DataFrame
    assembler: Assembler
    people: People
    told: Told
    """The account of the events as they were read."""

    def survey(self, survey: Survey) -> Told:
        """Ask something of every bucket and add the answers up."""
        rows = self.parts.where(TABLES).mapInArrow(Surveys(self.assembler, survey), "told binary").collect()
        return self._checked(bytes(row.told) for row in rows)

    def compute(self, compute: Compute, columns: dict[str, str]) -> Computed:
        """Compute rows with the given columns (name -> ``text`` or ``number``), of which the first is the lead's id."""
        from pyspark.sql import functions
        from pyspark.sql.types import BinaryType, DoubleType, StringType, StructField, StructType

        told = "told"
        while told in columns:
            told += "_"
        kinds = {"text": (pa.string(), StringType()), "number": (pa.float64(), DoubleType())}
        schema = pa.schema([*((name, kinds[kind][0]) for name, kind in columns.items()), (told, pa.binary())])
        types = [StructField(name, kinds[kind][1]) for name, kind in columns.items()]
        work = Computes(self.assembler, compute, schema)
        rows = _kept(self.parts.where(TABLES).mapInArrow(work, StructType([*types, StructField(told, BinaryType())])))
        account = functions.col(told)
        total = self._checked(bytes(row[0]) for row in rows.where(account.isNotNull()).select(account).collect())
        return Computed(rows.where(account.isNull()).drop(told).orderBy(next(iter(columns))), total)

    def _checked(self, accounts: Iterable[bytes]) -> Told:
        """Add accounts up; raise where all rows of a table turned out to be of nobody, as reading on one machine does."""
        total, paid = sum_of(accounts), self.people.report.get("conversions")
        if self.assembler.cut is None or self.assembler.own.data.identities is None:
            refused = self.told.refused + Counter(unknown_lead=total.counts["unknown"])
            stop_if_all_refused("events", self.told.counts["read"], refused)
            if paid is not None:
                payments = paid.reasons() + Counter(unknown_lead=total.counts["unknown_payments"])
                stop_if_all_refused("conversions", paid.read, payments)
        return total


@dataclass(slots=True)
class Computed:
    """Rows in the order of their ids, not written yet, with their account."""

    rows: DataFrame
    told: Told

    def write(self, out: Path) -> None:
        """Write a folder of Parquet; on this machine it appears whole or not at all."""
        address = address_of(out)
        if is_remote(address) or not str(self.rows.sparkSession.conf.get("spark.master", "")).startswith("local"):
            self.rows.write.parquet(address)
            return
        beside = out.absolute().with_name(f".{out.name}.{os.getpid()}.part")
        try:
            self.rows.write.parquet(f"file://{beside}")
            if out.exists():
                shutil.rmtree(out)
            beside.replace(out)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def gather(
    spark: SparkSession, ws: Workspace, definition: Definition | None, *, cut: int | None, mates: bool, buckets: int | None = None
) -> Gathered:
    """Read a workspace as of `cut`, with a model's definition as that was trained; with `mates` accounts stay whole."""
    own, spec = as_trained(ws, definition), events_spec(ws)
    spark.conf.set(_ARROW_ROWS, _SETTINGS[_ARROW_ROWS])
    with tempfile.TemporaryDirectory() as folder:
        here = fetched(ws, Path(folder), lambda text, query: _frame(spark, text, query, cut).toArrow())
        people = People.read(here, definition, cut)
    sources = event_sources(ws, spec.source)
    tables = [_frame(spark, address, False, cut) for address in sources.remote]
    tables += [_frame(spark, query, True, cut) for query in sources.queries]
    headers = [Header(one.name, one.columns(), nests(one)) for one in sources.origins]
    headers += [Header("the Spark table", one.columns) for one in tables]
    maybe = frozenset(only_of_model(ws, own, spec))
    shape = check_columns(own, headers, maybe).shape

    many = buckets or max(-(-sources.rows // _ROWS_OF_A_BUCKET), _FEWEST_BUCKETS, _usual(spark) if tables else 0)
    dealt = deal_out(many, people.together(mates=mates))
    dealer = Dealer(without_sources(own), maybe, dealt, cut)
    frames = [spark.createDataFrame(pa.Table.from_batches([part.batch() for part in people.parts(dealt)], SCHEMA))]
    if sources.shares:
        numbers = spark.range(0, len(sources.shares), 1, numPartitions=len(sources.shares))
        frames.append(numbers.mapInArrow(ReadShares(dealer, sources.shares), DDL))
    for table in tables:
        asked = [name for name in shape.asked(table.columns, nested=False) if name in table.columns]
        frames.append(table.select([_quoted(name) for name in asked]).mapInArrow(ReadRows(dealer), DDL))
    parts = reduce(lambda left, right: left.unionAll(right), frames)
    parts = _kept(parts.repartition(many, "bucket").sortWithinPartitions("bucket", "kind"))
    spark.conf.set(_ARROW_ROWS, "16")  # a part is large

    told = sum_of(bytes(row.part) for row in parts.where(f"kind = {TOLD}").select("part").collect())
    if not told.counts["read"]:
        raise InputError("data.events has no rows", given="nothing", expected="at least one event", do="check data.events.source")
    stop_if_all_refused("events", told.counts["read"], told.refused)
    grow = "leads" not in people.report
    assembler = Assembler(without_sources(own), cut, grow, people.merges.newest, frozenset(told.mixed), {})
    gathered = Gathered(spark, parts, assembler, people, told)
    if spec.id is not None:
        _settle_copies(gathered, many)
    return gathered


def _frame(spark: SparkSession, text: str, query: bool, cut: int | None) -> DataFrame:
    """Return the table of a query, in which :as_of and :since are bound, or that of an address."""
    if not query:
        # Without it Spark would take the columns of one file for those of all.
        return spark.read.option("mergeSchema", "true").parquet(text)
    moments = {"as_of": now_us() if cut is None else cut, "since": 0}
    given = {name: _EPOCH + timedelta(microseconds=us) for name, us in moments.items() if re.search(rf"(?<!:):{name}\b", text)}
    return spark.sql(text, given) if given else spark.sql(text)


def _quoted(column: str) -> str:
    escaped = column.replace("`", "``")
    return f"`{escaped}`"


def _usual(spark: SparkSession) -> int:
    return int(spark.conf.get("spark.sql.shuffle.partitions", "200") or 200)


def _kept(frame: DataFrame) -> DataFrame:
    """Compute a table once, onto the disks of the workers: it is read several times."""
    from pyspark import StorageLevel

    return frame.localCheckpoint(eager=True, storageLevel=StorageLevel.DISK_ONLY)


def _settle_copies(gathered: Gathered, many: int) -> None:
    """Decide for each message id that stands in several buckets in which of them it counts."""
    ids = gathered.parts.where(f"kind = {IDS}").mapInArrow(DealIds(many), DDL)
    ids = ids.repartition(many, "bucket").sortWithinPartitions("bucket")
    shared = np.array([row.first for row in ids.mapInArrow(SharedIds(), SHARED_DDL).collect()], np.int64)
    if len(shared):
        rows = gathered.parts.where(TABLES).mapInArrow(FirstRows(gathered.assembler, shared), ROWS_DDL).collect()
        gathered.assembler = replace(gathered.assembler, winners=winners_of(row.asDict() for row in rows))
