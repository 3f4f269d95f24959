"""The border: Great Expectations on what lands and on what leaves. Everything between is dbt's."""
