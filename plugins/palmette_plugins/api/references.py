"""References: the strings that name models, data and artifacts everywhere in the suite.

``scheme:target?key=value&key=value``; the scheme alone is enough where there is no target
(``digits``). Examples: ``zoo:resnet20?num_classes=10``, ``timm:resnet50``, ``hf:/models/encoder``,
``artifact:3f2a9c01``, ``fashion-mnist?limit=10000``, ``imagefolder:/data/flowers``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode

from palmette_plugins.api.errors import InvalidArgument

_SCHEME = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True)
class Reference:
    """A parsed reference.

    Attributes:
        scheme: What resolves it, such as ``zoo``, ``artifact`` or ``digits``.
        target: What it names within the scheme; empty for data sets that are a scheme of their own.
        parameters: Query parameters in the order written, as strings.
    """

    scheme: str
    target: str = ""
    parameters: dict[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, text: str, field: str = "reference") -> Reference:
        """Parse `text`; raise `InvalidArgument` naming `field` if it is not a reference."""
        head, _, query = text.strip().partition("?")
        scheme, _, target = head.partition(":")
        if not _SCHEME.fullmatch(scheme):
            raise InvalidArgument.field(
                field,
                f"'{text}' is not a reference; write scheme:target?key=value, such as zoo:resnet20 or digits",
            )
        pairs = parse_qsl(query, keep_blank_values=True)
        keys = [key for key, _ in pairs]
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        if repeated:
            raise InvalidArgument.field(field, f"'{text}' gives {', '.join(repeated)} more than once")
        return cls(scheme, target, dict(pairs))

    def __str__(self) -> str:
        head = f"{self.scheme}:{self.target}" if self.target else self.scheme
        if not self.parameters:
            return head
        return f"{head}?{urlencode(self.parameters, quote_via=quote, safe='/:,')}"

    def with_parameters(self, **values: object) -> Reference:
        """Return a copy with `values` set (as strings) beside the parameters that are there."""
        return Reference(self.scheme, self.target, {**self.parameters, **{k: str(v) for k, v in values.items()}})


class ModelRef(str):
    """Marks an input that takes a model reference (``zoo:``, ``timm:``, ``hf:``, ``artifact:``)."""


class DatasetRef(str):
    """Marks an input that takes a dataset reference."""


class ArtifactRef(str):
    """Marks an input that takes an artifact of any kind (``artifact:<id>``)."""
