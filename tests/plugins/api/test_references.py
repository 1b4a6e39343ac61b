"""References: what is written is what is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palmette_plugins.api import InvalidArgument, Reference

schemes = st.from_regex(r"[a-z][a-z0-9-]*", fullmatch=True)
targets = st.text(st.characters(blacklist_characters="?", blacklist_categories=("Cs",)), max_size=30).filter(
    lambda text: text == text.strip()
)
keys = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=10)
values = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)


@given(schemes, targets, st.dictionaries(keys, values, max_size=4))
def test_any_reference_survives_being_written_and_read(scheme, target, parameters):
    reference = Reference(scheme, target, parameters)

    assert Reference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("digits", ("digits", "", {})),
        ("zoo:resnet20?num_classes=10", ("zoo", "resnet20", {"num_classes": "10"})),
        ("imagefolder:/data/x y?size=8", ("imagefolder", "/data/x y", {"size": "8"})),
        ("webdataset:s3://bucket/{000..099}.tar", ("webdataset", "s3://bucket/{000..099}.tar", {})),
        ("  fashion-mnist?augment=crop,flip ", ("fashion-mnist", "", {"augment": "crop,flip"})),
        ("digits?limit=", ("digits", "", {"limit": ""})),
    ],
)
def test_parts_are_where_they_should_be(text, parts):
    reference = Reference.parse(text)

    assert (reference.scheme, reference.target, reference.parameters) == parts


@pytest.mark.parametrize("text", ["", "?x=1", ":resnet20", "Zoo:resnet20", "/data/x", "zoo resnet20", "1zoo:x"])
def test_what_is_no_reference_is_refused_with_an_example(text):
    with pytest.raises(InvalidArgument, match="write scheme:target") as caught:
        Reference.parse(text, "inputs.model")

    assert caught.value.violations[0].field == "inputs.model"


def test_a_parameter_given_twice_is_named():
    with pytest.raises(InvalidArgument, match="gives size more than once"):
        Reference.parse("imagefolder:/x?size=1&seed=2&size=3")


def test_with_parameters_keeps_the_others():
    reference = Reference.parse("zoo:resnet20?width=8").with_parameters(in_channels=1)

    assert str(reference) == "zoo:resnet20?width=8&in_channels=1"
