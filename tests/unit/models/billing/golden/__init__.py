"""The golden cases' runner: what a case is, and the adapters that put each through the real rating code."""
