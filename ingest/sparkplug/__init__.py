"""Sparkplug B: topics, payloads, sessions and the duties of a host application."""
