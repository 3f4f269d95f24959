"""The layer law of the dbt project, read from its manifest.

staging reads sources; intermediate reads staging, intermediate and marts; marts read staging, intermediate and marts;
feeds read marts only. Every mart has an enforced contract, a key test and its grain in the first sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

PREFIXES = {
    "staging": ("stg_",),
    "intermediate": ("int_",),
    "marts": ("dim_", "fct_", "bridge_"),
    "feeds": ("feed_",),
}
MAY_READ = {
    "staging": {"source", "seed"},
    "intermediate": {"staging", "intermediate", "seed", "marts"},
    "marts": {"intermediate", "marts", "staging", "seed"},
    "feeds": {"marts"},
}
KEY_TESTS = {"unique", "unique_combination"}


def layer_of(node: dict[str, Any]) -> str:
    """staging, intermediate, marts, feeds, source or seed."""
    if node["resource_type"] in {"source", "seed"}:
        return str(node["resource_type"])
    folders = node["fqn"][1:-1]
    if "feeds" in folders:
        return "feeds"
    return str(folders[0])


def violations(manifest: dict[str, Any]) -> Iterator[str]:
    """Every breach of the law, as a sentence."""
    everything = manifest["nodes"] | manifest["sources"]
    tested = {
        test["attached_node"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test" and (test.get("test_metadata") or {}).get("name") in KEY_TESTS
    }
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] != "model":
            continue
        name, layer = node["name"], layer_of(node)
        if not name.startswith(PREFIXES[layer]):
            yield f"{name}: a model in {layer} begins with one of {PREFIXES[layer]}"
        for parent in node["depends_on"]["nodes"]:
            if layer_of(everything[parent]) not in MAY_READ[layer]:
                yield f"{name}: {layer} must not read {everything[parent]['name']} ({layer_of(everything[parent])})"
        if layer in {"marts", "feeds"}:
            if not node["config"]["contract"]["enforced"]:
                yield f"{name}: has no enforced contract"
            if unique_id not in tested:
                yield f"{name}: has no key test"
            if not re.match(r"One row per ", node["description"]):
                yield f"{name}: its description does not begin with its grain"
