"""The work of a cluster, piece by piece and without Spark: raw rows are dealt out to buckets, and each bucket is read as a whole.

No module here imports pyspark: ``features/spark.py`` hands these steps to Spark, and tests run them in one process. Read
``buckets.py`` (which leads belong together), ``parts.py`` (rows as bytes), ``dealing.py`` (from raw rows to parts), ``people.py``
(the tables beside the events), ``bucket_tables.py`` (from the parts of a bucket to the very tables that one machine reads) and
``working.py`` (the steps). ``copies.py`` settles message ids across buckets, ``told.py`` what workers report, ``layout.py`` what
is read by whom.
"""
