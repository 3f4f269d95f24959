"""How an invoice proves itself to somebody who trusts nobody: trees of hashes, signatures, checkpoints, bundles.

Pure but for `checkpoints.py`, which keeps the daily chain in the operational store.
"""
