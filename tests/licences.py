"""The licences of what Hỏi Dân needs at run time: ``python -m tests.licences`` fails on one it may not have.

Read from the installed packages' own metadata. Permissive licences pass. Those of LISTED pass where NOTICE
names the package, and so does the GNU LGPL for LESSER alone. GPL, AGPL and what isn't recognised are refused.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent

PERMISSIVE = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CNRI-Python",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "PSF-2.0",
        "PostgreSQL",
        "Unlicense",
        "Zlib",
    }
)
LISTED = frozenset({"MPL-2.0"})
LESSER = frozenset({"python-telegram-bot", "psycopg", "psycopg-binary"})

# How packages older than SPDX expressions say it.
SPELLINGS = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd license": "BSD",
    "bsd license (see license.txt for details), copyright (c) 2000-2025, reportlab inc.": "BSD",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-only",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
}

# How a licence file begins, for packages whose metadata says nothing.
OPENINGS = {
    "Permission is hereby granted, free of charge, to any person obtaining a copy": "MIT",
    "Redistribution and use in source and binary forms, with or without modification": "BSD",
    "Apache License Version 2.0, January 2004": "Apache-2.0",
}


# What metadata leave open, as the package's own licence file has it.
READ = {"python-dateutil": frozenset({"Apache-2.0", "BSD-3-Clause"})}


def licences(package: Distribution) -> frozenset[str]:
    """The SPDX names of all licences a package mentions; what is not known stays as it is written."""
    if package.metadata["Name"] in READ:
        return READ[package.metadata["Name"]]
    facts = package.metadata
    for field in ("License-Expression", "License"):
        # Older packages put the whole text into the second; a short one is more exact than a classifier.
        if field in facts and facts[field] and "\n" not in facts[field]:
            return names(facts[field])
    kinds = [
        value.rsplit(" :: ", 1)[-1] for value in facts.get_all("Classifier") or () if "License ::" in value
    ]
    if kinds:
        return frozenset().union(*map(names, kinds))
    return frozenset(licences_in_files(package))


def names(text: str) -> frozenset[str]:
    """``MIT OR (Apache-2.0 AND BSD License)`` → its licences, whether joined by AND or by OR."""
    parts = re.split(r"\s+(?:AND|OR|WITH)\s+", text) if text.lower() not in SPELLINGS else [text]
    plain = (part if part.lower() in SPELLINGS else part.strip(" ()") for part in parts)
    return frozenset(SPELLINGS.get(part.lower(), part) for part in plain)


def licences_in_files(package: Distribution) -> Iterator[str]:
    """What the licence files inside a package turn out to be, by their first sentences."""
    for file in package.files or ():
        if re.match(r"(?i)(licen[cs]e|copying)", file.name):
            text = " ".join(Path(str(file.locate())).read_text(encoding="utf-8", errors="replace").split())
            yield from (name for opening, name in OPENINGS.items() if opening in text)


def objection(package: str, found: frozenset[str], notice: str) -> str | None:
    """Why ``package`` under the licences ``found`` may not be a dependency; None if it may."""
    if not found:
        return f"{package}: its licence is unknown"
    for licence in sorted(found - PERMISSIVE):
        lesser = licence.startswith("LGPL-") and package in LESSER
        if not lesser and licence not in LISTED:
            return f"{package}: {licence} is not allowed"
        if not re.search(rf"(?<![\w-]){re.escape(package)}(?![\w-])", notice):
            return f"{package}: {licence} needs a line in NOTICE"
    return None


def locked(lock: str) -> Iterator[tuple[str, bool]]:
    """The name of every package in a lock, and whether every machine needs it."""
    for line in lock.splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==[^ ]+( ;)?", line):
            yield match[1], match[2] is None


def objections() -> list[str]:
    """What is wrong with the licences of the installed packages of requirements.lock, a line each."""
    notice = (HOME / "NOTICE").read_text(encoding="utf-8")
    found = []
    for name, everywhere in locked((HOME / "requirements.lock").read_text(encoding="utf-8")):
        try:
            package = distribution(name)
        except PackageNotFoundError:
            if everywhere:
                found.append(f"{name}: not installed, run make install")
            continue
        if said := objection(name, licences(package), notice):
            found.append(said)
    return found


if __name__ == "__main__":
    wrong = objections()
    print("\n".join(wrong) or "licences: all allowed")
    sys.exit(bool(wrong))
