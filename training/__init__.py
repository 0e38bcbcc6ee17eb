"""Chapter 3: learn from yesterday, honestly.

This chapter decides what may be learnt from at all (``audit`` and the files named after it, with ``column_power``), who is looked
at and when (``ages``, ``rows``, ``dataset``), who is examined on whom (``folds``), which
model is kept and how it is calibrated (``tuning``, ``choice``, and on one page ``recipe``), how good it is (``metrics``,
``evaluation``, ``verdict``) and whether it may serve (``promotion``). ``verbs`` is the work of the command line, ``record`` what
MLflow keeps, ``reference`` what a model remembers of other trials. The simulator (``simulator`` and the files named after it) is
a product with known truth, for the demo and the tests; ``leaks`` plants in it what ``audit_power`` measures the audit by.

It never knows how scores are served, and nothing on the serving path imports it. Read ``rows``, then ``folds``, then ``recipe``.
"""
