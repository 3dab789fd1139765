"""Schema errors in words: of an alternative that failed, the branch that was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import jsonschema_rs

MOST = 20
"""Messages per object: one wrong habit breaks every asset in the same way."""
_QUOTED = 160


def explain(validator: jsonschema_rs.Validator, value: Any) -> list[str]:  # noqa: ANN401 - JSON
    """Return messages for what breaks a schema, each with the place in the object.

    Parameters
    ----------
    validator : jsonschema_rs.Validator
        The compiled schemas.
    value : any JSON value
        The object that they do not accept.
    """
    texts: dict[str, None] = {}
    for found in validator.iter_errors(value):
        for one in _leaves(found):
            place = "/".join(str(step) for step in one.instance_path)
            texts[f"{place or 'the object'}: {_cut(one.message)}{_origin(one)}"] = None
            if len(texts) >= MOST:
                return list(texts)
    return list(texts)


def _leaves(found: jsonschema_rs.ValidationError) -> Iterable[jsonschema_rs.ValidationError]:
    branches: list[list[jsonschema_rs.ValidationError]] | None
    branches = getattr(found.kind, "context", None)
    if not branches or not all(branches):
        return [found]
    best = min(branches, key=_distance)
    return [leaf for one in best for leaf in _leaves(one)]


def _distance(branch: list[jsonschema_rs.ValidationError]) -> tuple[bool, int]:
    """Rank a branch: one that is for another type of object last, then by number of errors."""
    other_type = any(one.instance_path[-1:] == ["type"] for one in branch)
    return other_type, len(branch)


def _origin(found: jsonschema_rs.ValidationError) -> str:
    """Name the schema that is broken: core, our profile, or an extension."""
    address = found.absolute_keyword_location or ""
    if "/stacbuild.example/" in address:
        return " (profile)"
    if "stac-extensions.github.io/" in address:
        return f" ({address.split('/')[3]})"
    return ""


def _cut(text: str) -> str:
    """Shorten a message that quotes half the object; its end says what is wrong."""
    if len(text) <= _QUOTED:
        return text
    return f"{text[: _QUOTED // 2]} … {text[-_QUOTED // 2 :]}"
