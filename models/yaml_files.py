"""Reading the deployment's YAML strictly, and the pydantic base of what is read.

Belongs here: what every document of the deployment shares. Does not belong here: any document's shape.

YAML 1.1 reads `NO` as false, `14:00` as 840, `010` as 8 and a repeated key as its last value. A country, a shift, a
postal code and a price must not depend on that: they stay text, and a repeated key is refused.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from models.errors import DocumentError

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]
"""An id that may become part of a file name, a topic or a column without escaping."""
UnitCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,3}$")]
"""UN/ECE Recommendation 20."""
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Document(BaseModel):
    """Frozen; an unknown key is refused, because a misspelt one would be ignored in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _StrictLoader(yaml.SafeLoader):
    """The safe loader without YAML 1.1's surprises."""


_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":int"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)


def _unique_mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    repeated = {key for key in keys if keys.count(key) > 1}
    if repeated:
        raise yaml.constructor.ConstructorError(None, None, f"repeats the key {min(repeated)!r}", node.start_mark)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor("tag:yaml.org,2002:map", _unique_mapping)


def read_mapping(path: Path) -> dict[str, Any]:
    """The file's top-level mapping."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506 (a SafeLoader)
    except OSError as failed:
        raise DocumentError(f"cannot be read ({failed.strerror}).", path=path) from None
    except UnicodeDecodeError:
        raise DocumentError("is not UTF-8; save it in that encoding.", path=path) from None
    except yaml.YAMLError as invalid:
        mark = getattr(invalid, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else ""
        raise DocumentError(
            f"is not valid YAML: {getattr(invalid, 'problem', None) or invalid}.", path=path, place=place
        ) from None
    if not isinstance(content, dict):
        raise DocumentError("holds no mapping; write keys and values at the top.", path=path)
    return content


def yaml_files(directory: Path) -> list[Path]:
    """The directory's YAML files in name order; none at all is a mistake worth a sentence."""
    files = sorted(directory.glob("*.yaml"))
    if not files:
        raise DocumentError(
            "holds no .yaml file; `lineshaft init` writes a complete deployment to copy from.", path=directory
        )
    return files


def refusal(invalid: ValidationError, *, path: Path, place: str = "") -> DocumentError:
    """The first misfit as one sentence with its path, and how many more there are."""
    errors = invalid.errors(include_url=False)
    first = errors[0]
    inner = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "this key is unknown"
    elif first["type"] != "missing":
        message = f"{message} (found {first['input']!r})"
    if len(errors) > 1:
        message = f"{message}; and {len(errors) - 1} more"
    return DocumentError(message, path=path, place=f"{place}{inner}".lstrip("."))
