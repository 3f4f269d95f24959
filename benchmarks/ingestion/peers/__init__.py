"""What others do with the same stream, each in a process of its own.

Belongs here: one small program a peer, and what is needed to start it. Does not belong here: measuring (the parts).
"""
