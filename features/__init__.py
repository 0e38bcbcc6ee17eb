"""Chapter 1: what a lead did, as numbers.

This chapter owns the meaning of a user's data: the workspace file, the tables that it names, the behaviours that events stand
for, the catalogue of features and the one kernel that computes them, for millions of leads or for one, and the store in which
the server keeps what it hears. It never knows what a model is, whether a number predicts anything, or who asks for it.

Read `catalog.py` first: what Trialwise looks at in every lead, one line each. Then, in this order:

- **What the words mean.** `workspace.py` reads the YAML file; the package `workspaces/` holds its sections. `names.py` folds the
  names of events. `definition.py` is the part that a model carries, with its fingerprint.
- **From files to clean tables.** `tables.py` gives leads, events and conversions as they were known at an instant; the package
  `reading/` finds the files, reads them and accounts for every row.
- **From events to numbers.** `kernel.py` is the one interpreter, and `arrays.py` names the columns that it walks over.
  `selectors.py`, `plan.py` and `history.py` bring events into them, and `mates.py` pools those of an account; `feature.py`,
  `catalog_families.py` and `catalog_columns.py` say each feature as one quotient, and `layout.py` lays the quotients out;
  `matrix.py` runs them, in batch and live, and `walks.py` takes many looks piece by piece. `calendar.py` and `exact.py` are
  its days and its decimals; `vocabulary.py` learns what is usual; `table_leads.py` takes one lead out of the tables.
- **What must hold.** `laws.py`: run `check_workspace` on features of your own; `law_worlds.py` draws what they are tried on.
- **Looking at data.** The package `inspecting/` is `trialwise check` and `trialwise init`.
- **At rest.** `store.py`, with the package `storing/`; its `loading.py` fills the store from files.
- **For people.** `README.md` is the guide for whoever adds a feature; `listing.py` the catalogue as a table; `errors.py` every
  refusal in one sentence; `progress.py` how far long work has come.
"""
