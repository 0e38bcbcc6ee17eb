"""From files and queries to clean columns, with an account of every row that was refused.

`sources.py` finds the origins, and a `source_*.py` reads each kind; `leads_table.py`, `identities_table.py`,
`events_table.py` and `conversions_table.py` make tables of their pieces, and `trial_events.py` finds starts and payments among
the events. `merging.py` hands over what an id did to the lead that it turned out to be; `model_part.py` reads as a model was
trained, and `written.py` keeps events as they were written, for the store.
`moments.py` reads times and `cells.py` everything else; `event_ids.py` and `event_order.py` make every event count once and in
one order; `table_report.py` accounts for every row; `inactivity.py` closes freemium leads that fell silent.
"""
