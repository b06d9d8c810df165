"""What can be wrong with an expression."""

from __future__ import annotations


class ExpressionError(Exception):
    """An expression that can't be read, or can't be evaluated within its bounds.

    ``code`` names the entry ``expression.<code>`` of the catalogue ``expressions``, whose sentence is filled
    in with ``params``. ``position`` is the offset in the source, None where there is no single place;
    ``params`` has it too, counted from 1 as people do.
    """

    def __init__(self, code: str, position: int | None = None, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.position = position
        self.params = params if position is None else {"position": position + 1, **params}

    @property
    def key(self) -> str:
        """The catalogue key of the sentence."""
        return f"expression.{self.code}"

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in sorted(self.params.items()))
        return f"{self.code}({shown})"
