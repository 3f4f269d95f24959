"""From the wire to landed Parquet. Knows MQTT, Sparkplug and the namespace; nothing of Dagster, dbt or billing."""
