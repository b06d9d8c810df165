"""What the ground can do to a database, and a machine to its files, said as Problems."""

from __future__ import annotations

import errno

from sqlalchemy.exc import DBAPIError

from storage.database import of_the_ground
from surveys.problems import Problem

_SQLITE = {
    "full": "disk_full",
    "readonly": "database_unwritable",
    "unable to open": "database_unwritable",
    "locked": "database_busy",
    "busy": "database_busy",
    "not a database": "database_not_one",
    "malformed": "database_damaged",
    "disk i/o error": "database_unwritable",
}
"""Words of SQLite's messages (sqlite.org/rescode.html), which its module gives no codes for in every
version.
"""

_FILES = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EROFS: "file_unwritable",
    errno.EACCES: "file_unwritable",
    errno.EPERM: "file_unwritable",
    errno.ENOENT: "file_missing",
    errno.ENOTDIR: "file_missing",
    errno.EISDIR: "file_is_folder",
    errno.EEXIST: "file_in_the_way",
}


def as_problem(fault: BaseException) -> Problem | None:
    """The Problem that a fault of the database or of a file means to a person; None: a fault of the
    program.
    """
    if isinstance(fault, Problem):
        return fault
    if isinstance(fault, DBAPIError):
        if type(fault.orig).__module__ == "sqlite3":
            told = str(fault.orig).lower()
            code = next((code for words, code in _SQLITE.items() if words in told), None)
            return Problem(code, status=503) if code else None
        return Problem("database_unreachable", status=503) if of_the_ground(fault) else None
    if isinstance(fault, OSError) and fault.errno in _FILES:
        return Problem(_FILES[fault.errno], file=str(fault.filename or "…"))
    return None
