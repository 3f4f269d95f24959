"""The kill storm: plants that keep exact accounts, a broker, a network and processes that fail, and a verdict."""
