"""The duties a host keeps in its session machine: each is taken out, and the test that shows it must fail.

The duties on the wire are broken in tests/integration/test_host_duties_mutation.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from ingest.sparkplug import session as machine
from ingest.sparkplug.edge_node import EdgeNode
from ingest.sparkplug.session import Effects, Header, Sessions
from tests.unit.ingest.sparkplug import test_session as shown


class Mutation(NamedTuple):
    """What is taken out, and the test of tests/unit/ingest/sparkplug/test_session.py that must notice."""

    owner: Any
    name: str
    replacement: Callable[..., Any]
    noticed_by: Callable[[], None]


offline = machine._go_offline
device_death = Sessions._device_death


def ignore(*_args: Any, **_options: Any) -> None:
    return None


def nothing_found(*_args: Any, **_options: Any) -> list[Any]:
    return []


def offline_without_stale(node: EdgeNode, now: int, effects: Effects, *, detail: str) -> None:
    offline(node, now, effects, detail=detail)
    effects.stale.clear()


def offline_from_the_last_message(node: EdgeNode, now: int, effects: Effects, *, detail: str) -> None:
    offline(node, node.last_at or now, effects, detail=detail)


def offline_without_devices(node: EdgeNode, now: int, effects: Effects, *, detail: str) -> None:
    devices = dict(node.devices)
    offline(node, now, effects, detail=detail)
    node.devices = devices


def device_death_without_stale(self: Sessions, node: EdgeNode, header: Header, effects: Effects) -> None:
    device_death(self, node, header, effects)
    effects.stale.clear()


def device_death_at_receipt(self: Sessions, node: EdgeNode, header: Header, effects: Effects) -> None:
    device_death(self, node, header._replace(at=None), effects)


def device_death_that_leaves_it_online(self: Sessions, node: EdgeNode, header: Header, effects: Effects) -> None:
    device_death(self, node, header, effects)
    node.devices[header.device_id] = True


def never_late(*_args: Any, **_options: Any) -> bool:
    return False


class FixedTimeout:
    """A reorder timeout nobody can choose."""

    def __get__(self, _instance: object, _owner: type) -> int:
        return 5_000

    def __set__(self, _instance: object, _value: int) -> None:
        return None


MUTATIONS = {
    "a death that is ignored": Mutation(
        machine, "_go_offline", ignore, shown.test_a_death_counts_only_with_the_bd_seq_of_its_birth
    ),
    "a death that makes nothing stale": Mutation(
        machine,
        "_go_offline",
        offline_without_stale,
        shown.test_a_death_is_stale_from_receipt_and_a_devices_death_from_its_payloads_time,
    ),
    "a death at another time than receipt": Mutation(
        machine,
        "_go_offline",
        offline_from_the_last_message,
        shown.test_a_death_is_stale_from_receipt_and_a_devices_death_from_its_payloads_time,
    ),
    "a death that leaves devices online": Mutation(
        machine,
        "_go_offline",
        offline_without_devices,
        shown.test_devices_are_online_from_their_birth_to_their_own_death_or_their_nodes_birth_and_death,
    ),
    "a device's death that makes nothing stale": Mutation(
        Sessions,
        "_device_death",
        device_death_without_stale,
        shown.test_a_death_is_stale_from_receipt_and_a_devices_death_from_its_payloads_time,
    ),
    "a device's death at receipt": Mutation(
        Sessions,
        "_device_death",
        device_death_at_receipt,
        shown.test_a_death_is_stale_from_receipt_and_a_devices_death_from_its_payloads_time,
    ),
    "a device's death that leaves it online": Mutation(
        Sessions,
        "_device_death",
        device_death_that_leaves_it_online,
        shown.test_devices_are_online_from_their_birth_to_their_own_death_or_their_nodes_birth_and_death,
    ),
    "a timer that never starts": Mutation(
        Sessions, "_gap", ignore, shown.test_a_gap_becomes_a_loss_and_a_rebirth_request_once_hope_is_over
    ),
    "a timer that never ends": Mutation(
        Sessions, "_expire_gaps", ignore, shown.test_a_gap_becomes_a_loss_and_a_rebirth_request_once_hope_is_over
    ),
    "a timer that asks for nothing": Mutation(
        Sessions, "request_rebirth", ignore, shown.test_a_gap_becomes_a_loss_and_a_rebirth_request_once_hope_is_over
    ),
    "a timer that nothing stops": Mutation(
        Sessions, "_fills_gap", never_late, shown.test_a_gap_that_fills_in_time_is_no_loss
    ),
    "names that differ by case are not told": Mutation(
        machine,
        "case_conflicts",
        nothing_found,
        shown.test_names_and_ids_that_differ_by_case_only_are_kept_apart_and_told_once,
    ),
    "ids that differ by case are not told": Mutation(
        machine,
        "id_conflict",
        nothing_found,
        shown.test_names_and_ids_that_differ_by_case_only_are_kept_apart_and_told_once,
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_duty_that_is_taken_out_is_missed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation = MUTATIONS[name]
    mutation.noticed_by()
    monkeypatch.setattr(mutation.owner, mutation.name, mutation.replacement)
    with pytest.raises(AssertionError):
        mutation.noticed_by()


def test_a_timeout_that_cannot_be_chosen_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sessions, "reorder_timeout_ms", FixedTimeout(), raising=False)
    with pytest.raises(AssertionError):
        shown.test_the_reorder_timeout_is_the_sites_to_choose()
