"""The embedded warehouse: its raw schema, the loader of landed files, the mappings and reference tables dbt reads."""
