{#
  Fails with every half-open interval that is empty, runs backwards or starts before its predecessor ended.
  An end that is null means "still running".
#}
{% test no_overlapping_intervals(model, partition_by, from_column, until_column) %}
with

ordered as (
    select
        {{ partition_by }} as interval_of,
        {{ from_column }} as starts_at,
        {{ until_column }} as ends_at,
        lead({{ from_column }}) over (partition by {{ partition_by }} order by {{ from_column }}, {{ until_column }}) as next_starts_at
    from {{ model }}
)

select *
from ordered
where
    ends_at <= starts_at
    or next_starts_at < ends_at
    or (ends_at is null and next_starts_at is not null)
{% endtest %}
