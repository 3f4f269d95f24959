"""What leaves the house for people's tools: the read-only copy of the marts."""
