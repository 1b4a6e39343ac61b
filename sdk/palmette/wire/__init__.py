"""Conversion between protobuf messages and the values of `palmette.types`; nothing else touches messages' fields."""
