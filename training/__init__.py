"""Chapter 3: learn from yesterday, honestly.

This chapter decides what may be learnt from at all (``audit`` and the files named after it, with ``column_power``), who is
looked at and when (``ages``, ``rows``, ``dataset``), who is examined on whom (``folds``), which model is kept and how it is
calibrated (``tuning``, ``fitting``, ``candidates``, ``choice``, and on one page ``recipe``), how good it is (``metrics``,
``evaluation``, ``verdict``) and whether it may serve (``promotion``, with ``rivals``, ``contest`` and ``vetoes``). ``points``
and ``day_one`` answer before there is anything to learn from, ``learning_curve`` tells what more would bring, ``anchor``
follows a base rate that moved; ``evaluate_verb`` and ``compare_verb`` ask versions again later, all through ``scoring``.
``verbs`` is the work of the command line, ``record`` with ``data_digests`` what MLflow keeps, ``reference`` what a model
remembers of other trials. The simulator (``simulator`` and the files named after it) is a product with known truth, for the
demo and the tests; ``leaks`` plants in it what ``audit_power`` measures the audit by.

It never knows how scores are served, and nothing on the serving path imports it. Read ``rows``, then ``folds``, then ``recipe``.
"""
