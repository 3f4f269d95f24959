"""A site's mapping file and the files it includes, as one document that remembers where each rule stands.

Belongs here: reading, including, precedence, and telling a mistake by file and rule. Does not belong here: what a rule
means (mapping_rules), answers (mapping).

A class of machines is described once and instantiated per site::

    include:
      - classes/compressor.yaml          # rules, equipment and states as they stand there
      - file: classes/cnc.yaml           # or for this site's machines only:
        device: "milling/*"              #   for rules that name no device themselves
        edge_node: "line_*"              #   the same for edge nodes
        below: "telemetria"              #   put before every metric: telemetria/<metric>

Precedence: what a file says itself comes before what it includes, and an earlier include before a later one. An
included file lies in the directory of the site's mapping file or below it, may include others, and needs no version.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.errors import MappingError
from models.errors import DocumentError
from models.yaml_files import read_mapping

_KEYS = frozenset({"version", "include", "equipment", "rules", "states"})


class Include(BaseModel):
    """One entry of `include`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Annotated[str, Field(min_length=1)]
    device: str | None = None
    edge_node: str | None = None
    below: str | None = None


class RuleSource(NamedTuple):
    """Where a rule stands: the file and its number there, from 1."""

    path: Path
    number: int


class MappingDocument(NamedTuple):
    """A mapping with everything it includes; `sources` runs beside `content["rules"]`."""

    content: dict[str, Any]
    sources: list[RuleSource]


def read_mapping_document(path: Path) -> MappingDocument:
    """Read a mapping file and what it includes; MappingError names the file at fault."""
    return _read(path, root=path.parent.resolve(), chain=())


def explain(error: ValidationError, document: MappingDocument, *, path: Path, known: dict[str, Any]) -> MappingError:
    """The first mistake as one sentence with file and rule number; `known` holds the keys of a file and of a rule."""
    first, *more = error.errors()
    location = list(first["loc"])
    where, keys = "", known["file"]
    if location[:1] == ["rules"] and len(location) > 1:
        source = document.sources[int(location[1])]
        rule = document.content["rules"][int(location[1])]
        metric = f" (metric {rule['metric']!r})" if isinstance(rule, dict) and "metric" in rule else ""
        path, where, location, keys = source.path, f"rule {source.number}{metric}: ", location[2:], known["rule"]
    place = ".".join(str(part) for part in location)
    also = f" (and {len(more)} more)" if more else ""
    return MappingError(f"{where}{_sentence(first, place, keys)}{also}", path=path)


def _sentence(first: Any, place: str, keys: list[str]) -> str:
    name = place.rpartition(".")[2]
    if first["type"] == "missing":
        return f"{place} is missing: add it"
    if first["type"] == "extra_forbidden":
        near = get_close_matches(name, keys, n=1)
        return f"{place} is no key here: " + (f"did you mean {near[0]}?" if near else f"use {', '.join(keys)}")
    if first["type"] == "string_pattern_mismatch":
        return f"{place}: {first['input']!r} is no id: use a-z, 0-9, _ and -, at most 40 of them"
    said = first["msg"].removeprefix("Value error, ")
    return f"{place}: {said}" if place else said


def _read(path: Path, *, root: Path, chain: tuple[Path, ...]) -> MappingDocument:
    if not path.is_file():
        raise MappingError("this mapping file does not exist", path=path)
    try:
        own = read_mapping(path)
    except DocumentError as error:
        raise MappingError(": ".join(part for part in (error.place, error.problem) if part), path=path) from error
    if chain and (unknown := sorted(map(str, own.keys() - _KEYS))):
        raise MappingError(f"{unknown[0]} is no key here: use {', '.join(sorted(_KEYS))}", path=path)
    rules = _typed(own, "rules", list, path=path)
    content = dict(own) | {
        "rules": list(rules),
        "equipment": dict(_typed(own, "equipment", dict, path=path)),
        "states": dict(_typed(own, "states", dict, path=path)),
    }
    content.pop("include", None)
    sources = [RuleSource(path, number) for number in range(1, len(rules) + 1)]
    for include in _includes(own, path=path):
        beside = (path.parent / include.file).resolve()
        if not beside.is_relative_to(root):
            raise MappingError(f"include {include.file!r} lies outside {root}: keep it there or below", path=path)
        if beside in chain or beside == path.resolve():
            raise MappingError(f"include {include.file!r} leads back to itself: take it out", path=path)
        included = _read(beside, root=root, chain=(*chain, path.resolve()))
        content["rules"] += [_instantiated(rule, include) for rule in included.content["rules"]]
        sources += included.sources
        for key in ("equipment", "states"):
            content[key] |= {name: value for name, value in included.content[key].items() if name not in content[key]}
    return MappingDocument(content, sources)


def _includes(own: dict[str, Any], *, path: Path) -> Iterator[Include]:
    for number, entry in enumerate(_typed(own, "include", list, path=path), start=1):
        try:
            yield Include.model_validate({"file": entry} if isinstance(entry, str) else entry)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            sentence = _sentence(first, place, list(Include.model_fields))
            raise MappingError(f"include {number}: {sentence}", path=path) from error


def _instantiated(rule: Any, include: Include) -> Any:
    """The rule for this site's machines; what is no rule stays as it is, to be refused where rules are."""
    if not isinstance(rule, dict):
        return rule
    scope = {"device": include.device, "edge_node": include.edge_node}
    found = {key: pattern for key, pattern in scope.items() if pattern is not None} | rule
    if include.below and isinstance(rule.get("metric"), str):
        found["metric"] = f"{include.below}/{rule['metric']}"
    return found


def _typed(own: dict[str, Any], key: str, kind: type, *, path: Path) -> Any:
    value = own.get(key)
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise MappingError(f"{key}: write a {'list' if kind is list else 'mapping'} here", path=path)
    return value
