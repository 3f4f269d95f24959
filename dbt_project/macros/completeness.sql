{# What the models of completeness share. #}

{# The columns that tell one birth of an edge node from another: some clients restart bd_seq with every connection. #}
{% macro birth() %}site_id, edge_node_id, bd_seq, birth_at{% endmacro %}

{# The same as one text, for joins: a client without bd_seq, or data before any birth, leaves nulls in them. #}
{% macro birth_id() -%}
    site_id || '/' || edge_node_id || '/' || coalesce(cast(bd_seq as varchar), '') || '/' || coalesce(cast(birth_at as varchar), '')
{%- endmacro %}

{#
  CTEs `merged` and before it: the intervals of a CTE as few as they can be, by work unit. What touches is one.
#}
{% macro merged_intervals(intervals) -%}
reached as (
    select
        work_unit_id,
        site_id,
        started_at,
        ended_at,
        max(ended_at) over (
            partition by work_unit_id
            order by started_at, ended_at
            rows between unbounded preceding and 1 preceding
        ) as reached_at
    from {{ intervals }}
),

islands as (
    select
        *,
        sum(case when reached_at >= started_at then 0 else 1 end) over (
            partition by work_unit_id
            order by started_at, ended_at
            rows between unbounded preceding and current row
        ) as island_number
    from reached
),

merged as (
    select
        work_unit_id,
        site_id,
        min(started_at) as started_at,
        max(ended_at) as ended_at
    from islands
    group by work_unit_id, site_id, island_number
)
{%- endmacro %}
