"""The only place that knows Dagster, dbt and Great Expectations. It wires the other packages and computes nothing."""
