"""Third-party Sparkplug clients at work; each script is run by the interpreter of its own environment."""
