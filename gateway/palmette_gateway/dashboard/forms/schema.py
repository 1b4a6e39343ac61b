"""JSON Schema, as pydantic writes it, to fields of a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from palmette_gateway.dashboard.forms.fields import UNSET, Field, FieldKind

_SCALARS = {
    "string": FieldKind.TEXT,
    "integer": FieldKind.INTEGER,
    "number": FieldKind.NUMBER,
    "boolean": FieldKind.BOOLEAN,
}
_DEEPEST = 6
Schema = Mapping[str, Any]


def fields_of(schema: Schema, prefix: str = "config") -> tuple[Field, ...]:
    """Return the fields of an object's schema. What no control fits is filled in as JSON."""
    reader = _Reader(schema.get("$defs", {}))
    resolved, _ = reader.resolve(schema)
    return reader.properties(resolved, prefix, UNSET, 0)


class _Reader:
    """Follows references into the schema's definitions."""

    def __init__(self, definitions: Schema) -> None:
        self._definitions = definitions

    def properties(self, schema: Schema, prefix: str, default: Any, depth: int) -> tuple[Field, ...]:
        """Return the fields of an object; `default` is the whole object's default, which its parts inherit."""
        required = set(schema.get("required", ()))
        found = []
        properties = schema.get("properties", {})
        for name in sorted(properties, key=_order(schema, properties)):
            part = properties[name]
            own = default[name] if isinstance(default, Mapping) and name in default else UNSET
            made = self.field(part, f"{prefix}.{name}", own, depth)
            found.append(made.but(required=name in required))
        return tuple(found)

    def field(self, schema: Schema, path: str, default: Any = UNSET, depth: int = 0) -> Field:
        """Return the field for one property."""
        resolved, nullable = self.resolve(schema)
        if default is UNSET:
            default = resolved.get("default", UNSET)
        made = Field(
            path, FieldKind.JSON, resolved.get("description", ""), _limits(resolved), default, nullable=nullable
        )
        if "enum" in resolved or "const" in resolved:
            return made.but(kind=FieldKind.CHOICE, choices=tuple(resolved.get("enum", [resolved.get("const")])))
        alternatives = [self.resolve(item)[0] for item in resolved.get("oneOf", resolved.get("anyOf", ()))]
        if alternatives:
            return self._alternatives(made, resolved, alternatives, depth)
        kind = resolved.get("type")
        if kind == "object" and resolved.get("properties") and depth < _DEEPEST:
            return made.but(kind=FieldKind.GROUP, fields=self.properties(resolved, path, default, depth + 1))
        if kind == "array":
            return self._array(made, resolved)
        return made.but(kind=_SCALARS.get(kind, FieldKind.JSON) if isinstance(kind, str) else FieldKind.JSON)

    def _array(self, made: Field, schema: Schema) -> Field:
        items, _ = self.resolve(schema.get("items", {}))
        item = FieldKind.TEXT if "enum" in items else _SCALARS.get(items.get("type", ""), FieldKind.JSON)
        if item is FieldKind.JSON or "prefixItems" in schema:
            return made
        choices = tuple(items.get("enum", ()))
        return made.but(kind=FieldKind.LIST, item=item, choices=choices)

    def _alternatives(self, made: Field, schema: Schema, alternatives: list[Schema], depth: int) -> Field:
        """Return variants for objects that a property tells apart, free text for mixed scalars, JSON for the rest."""
        tag = schema.get("discriminator", {}).get("propertyName", "")
        if tag and depth < _DEEPEST:
            variants = {}
            for item in alternatives:
                value = str(self._tag(item, tag))
                parts = self.properties(item, f"{made.path}.{value}", made.default, depth + 1)
                variants[value] = tuple(part for part in parts if part.name != tag)
            chosen = made.default.get(tag, UNSET) if isinstance(made.default, Mapping) else UNSET
            return made.but(kind=FieldKind.VARIANTS, variants=variants, discriminator=tag, default=chosen)
        if all(item.get("type") in _SCALARS for item in alternatives):
            return made.but(kind=FieldKind.TEXT, item=FieldKind.JSON)
        return made

    def _tag(self, schema: Schema, tag: str) -> Any:
        part = schema.get("properties", {}).get(tag, {})
        return part.get("const", part.get("default", ""))

    def resolve(self, schema: Schema) -> tuple[Schema, bool]:
        """Return a schema without references, and whether null is allowed; what stands beside a reference wins."""
        nullable = False
        for _ in range(2 * _DEEPEST):
            if "$ref" in schema:
                target = self._definitions.get(schema["$ref"].rpartition("/")[2], {})
                schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
                continue
            options = schema.get("anyOf", ())
            rest = [option for option in options if option.get("type") != "null"]
            if len(rest) == len(options):
                break
            nullable = True
            outside = {key: value for key, value in schema.items() if key != "anyOf"}
            schema = {**rest[0], **outside} if len(rest) == 1 else {**outside, "anyOf": rest}
        return schema, nullable


def _order(schema: Schema, properties: Schema) -> Callable[[str], tuple[int, int, str]]:
    """Return the sorting key of property names: as declared where the schema tells, else plain ones first."""
    declared = {name: position for position, name in enumerate(schema.get("propertyOrder", ()))}

    def key(name: str) -> tuple[int, int, str]:
        part = properties[name]
        composed = not isinstance(part, Mapping) or not ({"type", "enum"} & part.keys()) or part.get("type") == "object"
        return declared.get(name, len(declared)), int(composed), name

    return key


def _limits(schema: Schema) -> str:
    parts = []
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    left = f"{above:g} < " if above is not None else f"{low:g} ≤ " if low is not None else ""
    right = f" < {below:g}" if below is not None else f" ≤ {high:g}" if high is not None else ""
    if left and right:
        parts.append(f"{left}value{right}")
    elif left:
        parts.append(f"greater than {above:g}" if above is not None else f"at least {low:g}")
    elif right:
        parts.append(f"less than {below:g}" if below is not None else f"at most {high:g}")
    if "minLength" in schema or "maxLength" in schema:
        parts.append(f"{schema.get('minLength', 0)} to {schema.get('maxLength', 'any number of')} characters")
    if "minItems" in schema:
        parts.append(f"at least {schema['minItems']}")
    if "maxItems" in schema:
        parts.append(f"at most {schema['maxItems']}")
    return ", ".join(parts)
