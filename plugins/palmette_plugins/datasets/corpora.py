"""``prose`` and ``manual``: two English corpora from Debian packages, in very different styles."""

from __future__ import annotations

import re
import shutil
import subprocess
from abc import abstractmethod
from functools import cache
from typing import ClassVar

from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
from palmette_plugins.api.errors import DataLoss, InvalidArgument, NotFound
from palmette_plugins.api.reference_parameters import as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.datasets.byte_windows import TextParameters, describe_windows, load_windows
from palmette_plugins.datasets.manuals import manuals_text

_VERSE = re.compile(rb"^[1-3]?[A-Za-z]+\d+:\d+ ", re.MULTILINE)


class Corpus(DatasetSource):
    """Base of the installed texts."""

    name: ClassVar[str]

    @abstractmethod
    def text(self) -> bytes:
        """Return the text; raise `NotFound` saying how to get it."""

    def describe(self, reference: Reference) -> DataInfo:
        """Return what the text's length tells."""
        reference, parameters = self._checked(reference)
        return describe_windows(str(reference), len(self.text()), parameters)

    def load(self, reference: Reference) -> Dataset:
        """Return all windows as tensors."""
        reference, parameters = self._checked(reference)
        return load_windows(str(reference), self.text(), parameters)

    def _checked(self, reference: Reference) -> tuple[Reference, TextParameters]:
        if reference.target:
            raise InvalidArgument.field(
                "reference", f"{self.name} takes no target; write {self.name}, not '{reference}'"
            )
        parameters = parse_parameters(TextParameters, reference)
        return Reference(self.name, "", as_text(parameters)), parameters


class Prose(Corpus):
    """The King James Bible without its verse numbers."""

    name = "prose"
    summary = "the King James Bible, 4 MB of English prose (Debian's bible-kjv)"

    def text(self) -> bytes:
        """Return the text, one verse a line."""
        return _bible()


class Manual(Corpus):
    """The Debian Reference, an administrator's manual, and the Linux manual pages."""

    name = "manual"
    summary = "the Debian Reference and Linux manual pages, 3.5 MB (Debian's debian-reference-en and manpages)"

    def text(self) -> bytes:
        """Return sections and pages as plain text, in a fixed mixed order so that every split has both."""
        return manuals_text()


@cache
def _bible() -> bytes:
    program = shutil.which("bible")
    if program is None:
        raise NotFound("prose is not installed; on Debian run: apt-get install bible-kjv")
    command = [program, "-f", "Genesis1:1-Revelation22:21"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    if done.returncode != 0 or not done.stdout:
        raise DataLoss(f"'{program}' printed no text (exit code {done.returncode}); install bible-kjv again")
    return _VERSE.sub(b"", done.stdout)
