"""Presets: how the exports and warehouse tables of well-known tools are told as leads, events and merges.

`tools.py` describes them as data; `one_table.py` writes what a tool keeps in one table or file of events, `call_tables.py` the
family of tables that Segment and RudderStack write, and `warehouse.py` looks into the database.
"""
