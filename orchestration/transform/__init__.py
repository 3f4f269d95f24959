"""dbt in this process: the manifest kept by project state, commands run and reported, models named as assets."""
