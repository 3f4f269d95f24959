"""The unified namespace in JSON: ISA-95 topic paths and their payloads."""
