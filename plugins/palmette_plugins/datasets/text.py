"""``text:<glob>``: the user's own text files, byte by byte."""

from __future__ import annotations

import glob
from pathlib import Path

from palmette_plugins.api.data import DataInfo, Dataset, DatasetSource
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.local_paths import local_path
from palmette_plugins.api.reference_parameters import as_text, parse_parameters
from palmette_plugins.api.references import Reference
from palmette_plugins.datasets.byte_windows import TextParameters, describe_windows, load_windows


class Text(DatasetSource):
    """Files that match a pattern, sorted by path, one after the other; train, validation and test by position."""

    summary = "your own text files, as bytes: text:/data/*.txt?context=128"

    def describe(self, reference: Reference) -> DataInfo:
        """Return what the sizes of the files tell."""
        reference, parameters, files = _checked(reference)
        return describe_windows(str(reference), sum(file.stat().st_size for file in files), parameters)

    def load(self, reference: Reference) -> Dataset:
        """Return all windows as tensors (8 bytes a token)."""
        reference, parameters, files = _checked(reference)
        return load_windows(str(reference), b"".join(_read(file) for file in files), parameters)


def _checked(reference: Reference) -> tuple[Reference, TextParameters, list[Path]]:
    parameters = parse_parameters(TextParameters, reference)
    if not reference.target:
        raise InvalidArgument.field("reference", "text needs files: write text:/path/to/*.txt")
    pattern = str(local_path(reference.target))
    files = [path for path in map(Path, sorted(glob.glob(pattern, recursive=True))) if path.is_file()]  # noqa: PTH207
    if not files:
        raise InvalidArgument.field("reference", f"no file matches '{pattern}'")
    return Reference("text", reference.target, as_text(parameters)), parameters, files


def _read(file: Path) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidArgument.field("reference", f"cannot read {file}: {error.strerror}") from None
    if b"\0" in content:
        raise InvalidArgument.field("reference", f"{file} is not a text file: it has zero bytes")
    return content
