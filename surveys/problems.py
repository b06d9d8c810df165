"""What can be wrong, said so that a person can act on it."""

from __future__ import annotations


class Problem(Exception):
    """Something a person (resident, staff, author, operator) did or met, with what to do about it.

    ``code`` names an entry ``problem.<code>`` in the catalogue ``problems`` (Vietnamese and English): a
    sentence that says what was wrong and what to do, with ``params`` filled in. Nothing was changed when it
    is raised. ``status`` is what the web answers with.
    """

    def __init__(self, code: str, *, status: int = 400, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.params = params
        self.audited: object = None
        """What the gate wrote down of it, if it did."""

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in sorted(self.params.items()))
        return f"{self.code}({shown})"
