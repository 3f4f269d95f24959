"""What to do about a refused message, by the reason it was refused for.

Belongs here: one sentence a reason. Does not belong here: doing it.
"""

from __future__ import annotations

_REPLAY = "then `lineshaft quarantine replay`"

ADVICE = {
    "contract_violation": "Mend the publisher so that the next events keep the contract (`lineshaft contracts show` "
    f"prints it), or add a contract of your own to the deployment's events/, {_REPLAY}.",
    "mistyped_value": f"Mend the publisher, or give the metric another role in the site's mapping, {_REPLAY}.",
    "unknown_alias": "It waits for a birth of its edge node: ask the edge node for a rebirth if none comes, "
    f"{_REPLAY}.",
    "unknown_metric": "It waits for a birth that names the metric: ask the edge node for a rebirth if none comes, "
    f"{_REPLAY}.",
    "unknown_topic": f"Mend the topic at the publisher, or the enterprise and site it belongs to in lineshaft.yaml, "
    f"{_REPLAY}.",
    "malformed_json": "The bytes are no JSON object; mend the publisher. The message stays here as evidence.",
    "duplicate_member": "A member stands twice and nobody can say which is meant; mend the publisher. The message "
    "stays here as evidence.",
    "malformed_payload": "The bytes are no Sparkplug payload; mend the edge node. The message stays here as evidence.",
    "malformed_birth": "The birth does not name its metrics; mend the edge node. Its earlier birth stays in force.",
    "payload_too_large": "Publish less in one message. The message stays here as evidence.",
    "unholdable_value": "It holds a value that no column can hold; mend the publisher.",
    "decoder_error": f"This is a fault of Lineshaft: report it with the payload; after an update, {_REPLAY[5:]}.",
}


def advice(reason: str) -> str:
    """What to do next, in one sentence."""
    return ADVICE.get(reason, f"Mend what the detail names, {_REPLAY}.")
