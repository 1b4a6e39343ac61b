"""Manual pages (roff with the man macros) as plain text, lines broken as in the source."""

from __future__ import annotations

import re

# Requests whose arguments are text: fonts and headings, and paragraphs that begin with a label.
_FONTS_JOINED = frozenset({"BR", "BI", "IR", "IB", "RB", "RI"})
_TEXT = frozenset({"B", "I", "SM", "SB", "R"}) | _FONTS_JOINED
_HEADINGS = frozenset({"SH", "SS"})
_BREAKS = frozenset({"PP", "P", "LP", "TP", "HP", "TQ", "sp", "RS", "RE"})
_SYMBOLS = {
    "aq": "'", "dq": '"', "oq": "'", "cq": "'", "lq": '"', "rq": '"', "ha": "^", "ti": "~", "rs": "\\", "bu": "*",
    "em": "--", "en": "-", "co": "(C)", "mu": "x", "<=": "<=", ">=": ">=", "->": "->", "<-": "<-", "+-": "+-",
    "!=": "!=", "ga": "`", "bv": "|", "sl": "/", "ul": "_", "mc": "u", "de": " degrees", "sc": "section ",
}  # fmt: skip
_ESCAPE = re.compile(
    r"""\\(?:
      (?P<font>f(?:\[[^]]*\]|\(..|.)|s[-+]?\d+|[hvwlLozb]'[^']*'|[nmMFk](?:\[[^]]*\]|\(..|.))
    | (?P<symbol>\[(?P<long>[^]]*)\]|\((?P<short>..)|\*\[(?P<word>[^]]*)\]|\*\((?P<string>..)|\*(?P<one>.))
    | (?P<char>.)
    )""",
    re.VERBOSE,
)
_ARGUMENT = re.compile(r'"((?:[^"]|"")*)(?:"|$)|((?:\\.|[^\s"])(?:\\.|\S)*)')
_CHARACTERS = {"-": "-", "e": "\\", "\\": "\\", " ": " ", "~": " ", "0": " ", "t": "\t", "'": "'", "`": "`", ".": "."}


def roff_text(source: str) -> str:
    """Return the text of a page; empty for one that only points to another, or that uses other macros than man's."""
    if re.search(r"^\.(so |Dd|Sh )", source, re.MULTILINE):
        return ""
    lines: list[str] = []
    table_head = False
    for line in source.splitlines():
        if table_head:  # the format of a table's columns, up to a full stop
            table_head = not line.rstrip().endswith(".")
        elif line.startswith((".", "'")):
            table_head = line.startswith(".TS")
            lines += _request(line[1:].strip())
        else:
            lines.append(unescaped(line))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip() + "\n"


def unescaped(text: str) -> str:
    """Return a line without fonts and sizes, its special characters as ASCII."""
    text = re.sub(r'\\["#].*', "", text)  # a comment
    return _ESCAPE.sub(_plain, text).replace("T{", "").replace("T}", "")


def _plain(match: re.Match[str]) -> str:
    if match["font"]:
        return ""
    if match["symbol"]:
        name = match["long"] or match["short"] or match["word"] or match["string"] or match["one"] or ""
        return _SYMBOLS.get(name, "")
    return _CHARACTERS.get(match["char"], "")


def _request(line: str) -> list[str]:
    name, _, rest = line.partition(" ")
    if name in _HEADINGS:
        return ["", " ".join(_arguments(rest))]
    if name == "TH":
        title, section, *_ = [*_arguments(rest), "", ""]
        return [f"{title}({section})"]
    if name in _TEXT:
        return [("" if name in _FONTS_JOINED else " ").join(_arguments(rest))]
    if name == "IP":
        return ["", *_arguments(rest)[:1]]
    return [""] if name in _BREAKS else []


def _arguments(text: str) -> list[str]:
    """Return the arguments of a request; quotes hold one together, and two inside stand for one."""
    return [
        unescaped(quoted.replace('""', '"') if bare == "" else bare) for quoted, bare in _ARGUMENT.findall(text.strip())
    ]
