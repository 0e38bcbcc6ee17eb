"""Looking at data before anything is learnt: `checkup.py` is `trialwise check`, `proposal.py` is `trialwise init`.

The check looks for names that nothing has (`checkup_names.py`), at times (`checkup_times.py`) and for `silence.py`.

The proposal samples `columns.py`, guesses `tables.py` and `behaviours.py` by their `words.py` and `event_words.py`, and writes
them (`sections.py`, `table_sections.py`) as YAML `text.py` with the evidence beside each guess. `presets/` knows the exports and
warehouse tables of well-known tools.
"""
