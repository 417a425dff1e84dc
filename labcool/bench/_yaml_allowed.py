"""What may stand at a place of a file, in words, from the JSON schema of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]


class AllowedWords:
    """Describes the values that a model's JSON schema allows.

    :param schema: the schema of the whole model.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def at(self, location: Sequence[str | int]) -> str:
        """Return the allowed values at a validation error's location."""
        return self._words(self._node(location))

    def keys(self, location: Sequence[str | int]) -> list[str]:
        """Return the keys that a block may have."""
        return list(self._node(location).get("properties", {}))

    def tags(self, location: Sequence[str | int]) -> list[str]:
        """Return the kinds between which a block may choose."""
        return list(self._node(location).get("discriminator", {}).get("mapping", {}))

    def choices(self, location: Sequence[str | int]) -> list[Any]:
        """Return the values between which a value may choose."""
        node = self._node(location)
        return list(node.get("enum", [node.get("const", "")]))

    def _node(self, location: Sequence[str | int]) -> Schema:
        node = self._resolved(self._schema)
        for step in location:
            below = self._below(node, step)
            if below is None:
                return node
            node = self._resolved(below)
        return node

    @staticmethod
    def _below(node: Schema, step: str | int) -> Schema | None:
        for family in ("properties", "patternProperties"):
            members = node.get(family, {})
            if step in members:
                return members[step]  # type: ignore[no-any-return]
        tags = node.get("discriminator", {}).get("mapping", {})
        if step in tags:
            return {"$ref": tags[step]}
        if isinstance(step, int):
            first = node.get("prefixItems", [])
            return first[step] if step < len(first) else node.get("items")
        if node.get("patternProperties"):
            return next(iter(node["patternProperties"].values()))  # type: ignore[no-any-return]
        rest = node.get("additionalProperties")
        return rest if isinstance(rest, dict) else None

    def _resolved(self, node: Schema) -> Schema:
        while True:
            options = [o for o in node.get("anyOf", ()) if o != {"type": "null"}]
            if "$ref" in node:
                name = node["$ref"].removeprefix("#/$defs/")
                rest = {key: value for key, value in node.items() if key != "$ref"}
                node = {**self._schema["$defs"][name], **rest}
            elif len(options) == 1:
                rest = {key: value for key, value in node.items() if key != "anyOf"}
                node = {**options[0], **rest}
            else:
                return node

    def _words(self, node: Schema) -> str:
        text = self._kind(node)
        meaning = node.get("description", "")
        if meaning and "properties" not in node:
            text += f" ({meaning})"
        return text

    def _kind(self, node: Schema) -> str:
        if "const" in node:
            return _choice(node["const"])
        if "enum" in node:
            return "one of " + ", ".join(_choice(choice) for choice in node["enum"])
        if tags := node.get("discriminator", {}).get("mapping"):
            return "a block with kind: " + " or ".join(tags)
        for family in ("anyOf", "oneOf"):
            if family in node:
                return " or ".join(self._kind(self._resolved(o)) for o in node[family])
        kind = node.get("type")
        if kind == "array":
            return self._array(node)
        if kind == "object":
            keys = ", ".join(node.get("properties", {}))
            return f"a block with the keys {keys}" if keys else "a block of keys"
        if kind == "string":
            return "a date as YYYY-MM-DD" if node.get("format") == "date" else _text_kind(node)
        names = {"number": "a number", "integer": "a whole number", "boolean": "true or false"}
        return names.get(str(kind), "a value") + _bounds(node)

    def _array(self, node: Schema) -> str:
        if "prefixItems" in node:
            kinds = (self._kind(self._resolved(item)) for item in node["prefixItems"])
            return "[" + ", ".join(kinds) + "]"
        least = f"at least {node['minItems']} of " if node.get("minItems") else ""
        return f"a list: {least}{self._kind(self._resolved(node.get('items', {})))}"


def _choice(choice: object) -> str:
    looks_like_text = not isinstance(choice, str) or choice[:1].isalpha()
    return str(choice) if looks_like_text else f'"{choice}"'


def _text_kind(node: Schema) -> str:
    longest = node.get("maxLength")
    if "pattern" in node and not longest:
        return f"text of the form {node['pattern']}"
    return "text" + (f" of 1 to {longest} characters" if longest and node.get("minLength") else "")


def _bounds(node: Schema) -> str:
    low, above = node.get("minimum"), node.get("exclusiveMinimum")
    high, below = node.get("maximum"), node.get("exclusiveMaximum")
    words = []
    if low is not None:
        words.append(
            f"from {low:g}" if high is not None or below is not None else f"{low:g} or more"
        )
    if above is not None:
        words.append(f"above {above:g}")
    if high is not None:
        joint = "to" if low is not None else "and at most" if above is not None else "at most"
        words.append(f"{joint} {_number(high)}")
    if below is not None:
        joint = "to below" if low is not None else "and below" if above is not None else "below"
        words.append(f"{joint} {_number(below)}")
    return f" {' '.join(words)}" if words else ""


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"
