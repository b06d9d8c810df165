"""XForm → Form: reads what a converter made of an XLSForm, and refuses what a chat can't ask.

:func:`read_form` is the way in. Its rooms: ``document`` (the XForm indexed by path), ``notes`` (findings and
expressions), ``texts``, ``lists``, ``actions`` and ``items`` (what a form is made of), ``checks`` with
``circles`` and ``advice`` (the form as a whole).
"""

from surveys.xform.checks import MAX_CHOICES, MAX_QUESTIONS
from surveys.xform.circles import circles
from surveys.xform.findings import Finding, Loaded, Row, Severity, choice_ref, in_order
from surveys.xform.reader import read_form
from surveys.xform.texts import Generated

__all__ = [
    "MAX_CHOICES",
    "MAX_QUESTIONS",
    "Finding",
    "Generated",
    "Loaded",
    "Row",
    "Severity",
    "choice_ref",
    "circles",
    "in_order",
    "read_form",
]
