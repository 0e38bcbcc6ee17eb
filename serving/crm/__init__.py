"""Scores into a CRM: our own ``trialwise_*`` properties of records that are there already, and nothing else.

Read `scores.py` (what is written, and of whom), `push.py` (the work of ``trialwise push``), `hubspot.py` and `salesforce.py` (how
each of them takes it), `calls.py` (one call, with patience). No record is created, no property of others is written, and the
address by which a record is found is never shown, logged or kept.
"""
