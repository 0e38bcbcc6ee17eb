"""What the words of a workspace file mean: `schema.py` is the whole of it; the other files hold its sections.

`data.py` says where the tables are, `settings.py` how time, trial and label work, `behaviours.py` which events mean what (with
`conditions.py`), `own_features.py` what a line of the user's own asks for, `own_words.py` how it is told, `selling.py` what sales
set. `section.py` is what all sections share: strict keys and refusals; `yaml_lines.py` finds the line of a key, so that a refusal
can name it.
"""
