"""What counts as a loss that the ledger knows of: the measure that the kill storm and the overload run are held to."""

from __future__ import annotations

from tests.integration.storm.account import LedgerEntry, Sent, account_for


def test_a_loss_is_accounted_for_by_its_own_edge_node_and_time_only() -> None:
    sent = [Sent("line_0", at, f"0-{at}") for at in range(10)] + [Sent("line_1", 5, "1-5")]
    found = {f"0-{at}" for at in range(10)} - {"0-3", "0-7"}
    ledger = [
        LedgerEntry("line_0", "seq_gap", 2, 4, 1),
        LedgerEntry("line_0", "rebirth_requested", 6, 8, None),
        LedgerEntry("line_0", "death", 5, 9, None),
        LedgerEntry("line_0", "stale", 9, None, None),
    ]
    account = account_for(sent, found=found, ledger=ledger)
    assert (account.sent_count, account.lost_count, account.estimated_count) == (11, 3, 1)
    assert account.covered_count == 3  # 2, 3 and 4: an entry reaches from the last that came to the next
    assert account.unaccounted == (Sent("line_0", 7, "0-7"), Sent("line_1", 5, "1-5"))


def test_an_entry_of_the_whole_site_speaks_for_each_edge_node() -> None:
    entry = LedgerEntry("", "collector_offline", 4, 6, None)
    account = account_for([Sent("line_1", 5, "1-5")], found=(), ledger=[entry])
    assert (account.lost_count, account.unaccounted) == (1, ())
