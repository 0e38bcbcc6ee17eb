"""The report of one model: a self-contained HTML page to look at and to print, and the model card.

It owns words, tables and pictures of a training; it computes no figure and reads no data. Nothing in it comes from elsewhere when
it is opened: no script, no font, no picture from the network. Contact data and ids never reach it.

Read in this order: ``content.py`` (what a report is made of), ``page.py`` (the page and its sections), ``opening.py``,
``judged.py``, ``drivers.py``, ``background.py`` (the sections), ``charts.py`` and ``markup.py`` (how a picture and a table are
written), ``plots.py`` (the charts as files), ``card.py`` (the model card), ``verb.py`` (``trialwise report``).
"""
