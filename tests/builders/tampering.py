"""Ways to tamper with an evidence bundle; each is drawn by a seeded generator and really changes what the bundle says.

Belongs here: the changes. Does not belong here: whether they are found.
"""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.billing.proof.merkle import root_of
from models.billing.proof.roots import line_leaves, reading_leaves, root
from models.billing.proof.signing import Signer, invoice_message
from models.billing.seal import canonical_json, sha256_of

Members = dict[str, Any]
Place = tuple[Any, Any]
"""A container and the key or index in it."""

LOOK_ALIKES = {"a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "i": "і", "H": "Н", "M": "М", "-": "‐", "1": "１"}  # noqa: RUF001
OTHER_SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda text: text + ".0" if "." not in text else text + "0",
    lambda text: "+" + text,
    lambda text: text + "E0",
    lambda text: " " + text,
    lambda text: "0" + text,
    lambda text: text.translate({ord("0") + digit: ord("０") + digit for digit in range(10)}),  # noqa: RUF001
    lambda text: text.replace(".", ",") if "." in text else text + ",0",
)


def places(value: Any) -> Iterator[Place]:
    """Every member and item below a value."""
    if not isinstance(value, dict | list):
        return
    for key in sorted(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        yield from places(value[key])


def tampered(members: Members, *, seed: int) -> tuple[str, bytes]:
    """The name of a way to tamper, and the bundle tampered with in that way."""
    random_ = random.Random(seed)
    while True:
        name, way = random_.choice(WAYS)
        fresh = copy.deepcopy(members)
        result = way(random_, fresh)
        if isinstance(result, bytes):
            return name, result
        if json.dumps(fresh, sort_keys=True) != json.dumps(members, sort_keys=True):
            return name, gzip.compress(json.dumps(fresh).encode()) if random_.random() < 0.5 else json.dumps(
                fresh
            ).encode()


def a_value(random_: random.Random, members: Members) -> None:
    container, key = random_.choice([each for each in places(members) if not isinstance(each[0][each[1]], dict | list)])
    container[key] = _other(random_, container[key])


def a_reading(random_: random.Random, members: Members) -> None:
    reading = _reading(random_, members)
    name = random_.choice(sorted(reading))
    reading[name] = _other(random_, reading[name])


def two_readings_exchanged(random_: random.Random, members: Members) -> None:
    one, other = _reading(random_, members), _reading(random_, members)
    name = random_.choice(["value", "at", "file_row", "file_sha256", "landed_file", "message_id"])
    one[name], other[name] = other[name], one[name]


def a_line_amount(random_: random.Random, members: Members) -> None:
    line = random_.choice(members["invoice"]["lines"])
    name = random_.choice(["line_extension_amount", "quantity", "unit_price"])
    line[name] = str(int(float(line[name])) + random_.randint(1, 900))


def a_date(random_: random.Random, members: Members) -> None:
    holder = random_.choice([members["invoice"], members["checkpoint"]["content"]])
    name = random_.choice(
        sorted(name for name in holder if name.endswith(("_on", "_at", "_date", "_day")) and holder[name])
    )
    holder[name] = holder[name].replace("2026", random_.choice(["2025", "2027"]))


def an_item_left_out(random_: random.Random, members: Members) -> None:
    container, key = random_.choice(list(places(members)))
    del container[key]


def an_item_doubled(random_: random.Random, members: Members) -> None:
    items = _list(random_, members)
    items.insert(random_.randrange(len(items) + 1), copy.deepcopy(random_.choice(items)))


def another_order(random_: random.Random, members: Members) -> None:
    random_.shuffle(_list(random_, members))


def a_member_too_many(random_: random.Random, members: Members) -> None:
    objects = [members, *(each[0][each[1]] for each in places(members) if isinstance(each[0][each[1]], dict))]
    random_.choice(objects)[f"extra_{random_.randrange(100)}"] = "1"


def a_name_that_stands_twice(random_: random.Random, members: Members) -> bytes:
    name = random_.choice(sorted(members["invoice"]))
    text = canonical_json(members)
    place = text.index('"invoice":{') + len('"invoice":{')
    return (text[:place] + json.dumps(name) + ":" + json.dumps("1") + "," + text[place:]).encode()


def a_number_spelt_otherwise(random_: random.Random, members: Members) -> bytes | None:
    numbers = [
        (container, key)
        for container, key in places(members)
        if isinstance(container[key], str) and container[key].replace(".", "", 1).lstrip("-").isdecimal()
    ]
    container, key = random_.choice(numbers)
    container[key] = random_.choice(OTHER_SPELLINGS)(container[key])
    return None


def a_whole_number_spelt_otherwise(random_: random.Random, members: Members) -> None:
    container, key = random_.choice([each for each in places(members) if type(each[0][each[1]]) is int])
    value = container[key]
    container[key] = random_.choice([float(value), str(value), bool(value), [value], -value - 1])


def a_look_alike(random_: random.Random, members: Members) -> None:
    texts = [each for each in places(members) if isinstance(each[0][each[1]], str)]
    container, key = random_.choice(texts)
    letters = [place for place, letter in enumerate(container[key]) if letter in LOOK_ALIKES]
    if letters:
        place = random_.choice(letters)
        text = container[key]
        container[key] = text[:place] + LOOK_ALIKES[text[place]] + text[place + 1 :]


def a_sealed_hash(random_: random.Random, members: Members) -> None:
    checkpoint = members["checkpoint"]
    holders = [
        (members, "invoice_sha256"),
        (members, "signature"),
        (members["invoice"], "readings_root"),
        (members["invoice"], "lines_root"),
        (members["invoice"], "previous_sha256"),
        (members["invoice"], "signing_public_key"),
        (checkpoint, "sha256"),
        (checkpoint, "signature"),
        *((checkpoint["content"], name) for name in ("documents_root", "log_root", "previous_sha256", "public_key")),
        *((members["reading_hashes"], place) for place in range(len(members["reading_hashes"]))),
    ]
    container, key = random_.choice(holders)
    text = container[key]
    container[key] = random_.choice(
        [text.upper(), text[::-1], text[:-2], text + "00", " " + text, None, _other(random_, text)]
    )


def another_key(random_: random.Random, members: Members) -> None:
    """The key is exchanged and the seal made new, but nobody else can sign for the seller's checkpoint."""
    signer = Signer(Ed25519PrivateKey.from_private_bytes(random_.randbytes(32)))
    members["invoice"]["signing_public_key"] = signer.public_key
    members["invoice_sha256"] = sha256_of(members["invoice"])
    members["signature"] = signer.sign(invoice_message(members["invoice_sha256"]))


def a_reading_resealed(random_: random.Random, members: Members) -> None:
    """Reading, hashes, roots and seal all fit together again; the signature does not."""
    reading = _reading(random_, members)
    reading["value"] = str(int(float(reading["value"])) + random_.randint(1, 9))
    _reseal(members)


def an_amount_resealed(random_: random.Random, members: Members) -> None:
    a_line_amount(random_, members)
    _reseal(members)


def cut_off(random_: random.Random, members: Members) -> bytes:
    whole = canonical_json(members).encode()
    whole = gzip.compress(whole) if random_.random() < 0.5 else whole
    return whole[: random_.randrange(len(whole))]


def continued_behind_its_end(random_: random.Random, members: Members) -> bytes:
    whole = canonical_json(members).encode()
    return random_.choice([whole + b"{}", gzip.compress(whole) + gzip.compress(b"1"), gzip.compress(whole) + b"\1"])


def one_byte(random_: random.Random, members: Members) -> bytes | None:
    """One byte of the text, such that it reads as something else or not at all."""
    whole = bytearray(canonical_json(members).encode())
    whole[random_.randrange(len(whole))] = random_.randrange(256)
    try:
        is_same = json.loads(bytes(whole)) == members
    except ValueError:
        is_same = False
    return None if is_same else bytes(whole)


WAYS: tuple[tuple[str, Callable[[random.Random, Members], bytes | None]], ...] = tuple(
    (way.__name__, way)
    for way in (
        *(a_value, a_reading, two_readings_exchanged, a_line_amount, a_date, an_item_left_out, an_item_doubled),
        *(another_order, a_member_too_many, a_name_that_stands_twice, a_number_spelt_otherwise, a_look_alike),
        *(a_whole_number_spelt_otherwise, a_sealed_hash, another_key, a_reading_resealed, an_amount_resealed),
        *(cut_off, continued_behind_its_end, one_byte),
    )
)


def _reading(random_: random.Random, members: Members) -> dict[str, Any]:
    segments = [segment for line in members["invoice"]["lines"] for segment in line["segments"]]
    reading: dict[str, Any] = random_.choice(segments)[random_.choice(["opening", "closing"])]
    return reading


def _list(random_: random.Random, members: Members) -> list[Any]:
    items: list[Any] = random_.choice(
        [each[0][each[1]] for each in places(members) if isinstance(each[0][each[1]], list) and each[0][each[1]]]
    )
    return items


def _other(random_: random.Random, value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return "1"
    if isinstance(value, int):
        return value + random_.choice([-1, 1, 1000])
    place = random_.randrange(len(value)) if value else 0
    letter = random_.choice([letter for letter in "0123456789abcdef" if letter != value[place : place + 1]])
    return value[:place] + letter + value[place + 1 :]


def _reseal(members: Members) -> None:
    lines = members["invoice"]["lines"]
    members["reading_hashes"] = [leaf.sha256.hex() for leaf in reading_leaves(lines)]
    members["line_hashes"] = [leaf.sha256.hex() for leaf in line_leaves(lines)]
    members["invoice"]["readings_root"] = root_of([bytes.fromhex(each) for each in members["reading_hashes"]]).hex()
    members["invoice"]["lines_root"] = root(line_leaves(lines))
    members["invoice_sha256"] = sha256_of(members["invoice"])
