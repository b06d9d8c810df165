"""The frame: the list of households and people that a survey is drawn from, as offices keep it in
spreadsheets.

A file becomes :class:`~surveys.frames.lists.Household` drafts in :mod:`surveys.frames.rows` (headings in
:mod:`~surveys.frames.columns`, cells in :mod:`~surveys.frames.cells`, places in
:mod:`~surveys.frames.places`), and :mod:`surveys.frames.matching` finds who is known already, so that the
same file twice changes nothing. All of it says what it made of every line; a line that is refused refuses the
file.
"""
