"""What `benchmarks/ingest.py` measures, part by part.

Belongs here: the stream every contestant reads, our processes with timers around them, the peers, one module a figure.
Does not belong here: anything the product imports.
"""
