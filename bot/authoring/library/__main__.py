"""Write the library where it stands and say what was written."""

from __future__ import annotations

from bot.authoring.library import write_library

for path in write_library():
    print(path)
