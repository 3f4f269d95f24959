"""ISA-95 resources: equipment roles and physical assets, calendars, material, parties, state categories."""
