"""Manual pages as plain text."""

import pytest

from palmette_plugins.datasets.roff_text import roff_text, unescaped

PAGE = r"""'\" t
.\" A comment
.TH open 2 2023-02-05 "Linux man-pages"
.SH NAME
open \- open a \fIfile\fP
.SH "RETURN VALUE"
On error, \-1 is returned; see
.BR errno (3),
.BI "int " fd ,
.I "two words"
.IP \[bu] 3
the first \(lqpoint\(rq
.PP
.TS
l	l.
Name	T{
long value
T}
.TE
.ft CW
A backslash: \e0
.SS Part
"""


def test_a_page_becomes_text_in_its_order():
    assert roff_text(PAGE).splitlines() == [
        "open(2)", "", "NAME", "open - open a file", "", "RETURN VALUE", "On error, -1 is returned; see", "errno(3),",
        "int fd,", "two words", "", "*", 'the first "point"', "", "Name", "long value", "", "A backslash: \\0", "",
        "Part",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("roff", "text"),
    [
        (r"\f[B]bold\f[] and \f(CWcode\fR", "bold and code"),
        (r"\s-1SMALL\s+1 \s0x", "SMALL x"),
        (r"caret \(ha, tilde \[ti], quote \(aq, dash \(em", "caret ^, tilde ~, quote ', dash --"),
        (r"no\&thing\%here\|\^", "nothinghere"),
        (r"\h'2n'moved \n[register]", "moved "),
        (r"said \" and not this", "said "),
        (r"a\ b\~c", "a b c"),
    ],
)
def test_escapes_become_what_they_show(roff, text):
    assert unescaped(roff) == text


@pytest.mark.parametrize("source", [".so man2/open.2\n", ".Dd May 1\n.Dt QUEUE 3\n.Sh NAME\n"])
def test_pages_that_point_elsewhere_or_use_other_macros_have_no_text(source):
    assert roff_text(source).strip() == ""
