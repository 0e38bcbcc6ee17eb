"""One Spark on this machine for all tests that need it: two workers, little memory, no page to look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from features.spark import running

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SUBMIT = (
    "--driver-memory 1g --conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=3 "
    "--conf spark.sql.warehouse.dir={folder} "
    "--conf spark.driver.extraJavaOptions='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' pyspark-shell"
)
"""What `spark-submit` would be told; a virtual machine that lives shortly had better start fast."""


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session as `--engine spark` makes one, which later calls find and use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_MASTER", "local[2]")
        patch.setenv("PYSPARK_SUBMIT_ARGS", SUBMIT.format(folder=tmp_path_factory.mktemp("warehouse")))
        with running() as session:
            pass
        yield session
