"""Wiring of ml/: frames out of the warehouse, models into the registry, predictions back into the warehouse."""
