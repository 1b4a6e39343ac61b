"""The table of a method's settings, from a schema that has been through a protobuf Struct."""

from typing import Literal

from google.protobuf import json_format, struct_pb2
from pydantic import BaseModel, Field

from palmette.config_table import config_fields
from palmette_plugins.api.catalogue import with_property_order


class Recipe(BaseModel):
    lr: float = Field(0.1, gt=0)
    epochs: int = 3


class Settings(BaseModel):
    width: int
    recipe: Recipe = Field(default_factory=Recipe)
    density: float = Field(0.1, ge=0, le=1, description="share that is kept")
    properties: dict[str, int] = Field(default_factory=dict)
    aim: Literal["small", "fast"] = "small"


def travelled(schema):
    """Return what a client gets: a Struct is a map, and maps have no order."""
    struct = struct_pb2.Struct()
    struct.update(schema)
    return json_format.MessageToDict(struct_pb2.Struct.FromString(struct.SerializeToString(deterministic=True)))


def test_settings_come_in_the_order_of_their_declaration():
    fields = config_fields(travelled(with_property_order(Settings.model_json_schema())))

    assert [field.name for field in fields] == [
        "width", "recipe", "recipe.lr", "recipe.epochs", "density", "properties", "aim"
    ]  # fmt: skip
    assert fields[0].default == "(required)"
    assert (fields[4].range, fields[4].description) == (">= 0, <= 1", "share that is kept")


def test_without_a_written_order_plain_settings_come_first_by_name():
    fields = config_fields(travelled(Settings.model_json_schema()))

    assert [field.name for field in fields] == [
        "aim", "density", "properties", "width", "recipe", "recipe.epochs", "recipe.lr"
    ]  # fmt: skip


def test_a_setting_may_be_called_properties():
    schema = with_property_order(Settings.model_json_schema())

    assert list(schema["properties"]) == schema["propertyOrder"] == list(Settings.model_fields)
