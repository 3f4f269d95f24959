"""Elements written in order: a thin hand over lxml for the two e-invoice syntaxes.

Belongs here: adding a child with its text, and the bytes of a tree. Does not belong here: which elements (en16931.py,
ubl.py).
"""

from __future__ import annotations

from typing import Any

from lxml import etree

Element = Any  # lxml ships no types


def add(parent: Element, tag: str, text: str | None = None, **attributes: str) -> Element:
    """A new last child of `parent`; `tag` is in Clark notation."""
    child = etree.SubElement(parent, tag, attributes) if attributes else etree.SubElement(parent, tag)
    if text is not None:
        child.text = text
    return child


def tree_bytes(root: Element) -> bytes:
    """UTF-8 with declaration, indented: the same bytes for the same tree."""
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)).rstrip()
