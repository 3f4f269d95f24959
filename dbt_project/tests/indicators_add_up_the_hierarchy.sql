-- Numerators and denominators of a role are the sums of those of the work units in it; so are a day's over its shifts.
{% set columns = ['observed_s', 'planned_busy_time_s', 'actual_production_time_s', 'planned_run_time_s', 'good_run_time_s', 'produced_quantity'] %}
with

below as (
    select
        ancestors.ancestor_id as equipment_id,
        kpis.shift_date,
        {%- for column in columns %}
        coalesce(sum(kpis.{{ column }}), 0) as {{ column }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from {{ ref('fct_kpis_per_shift') }} as kpis
    inner join {{ ref('bridge_equipment_ancestor') }} as ancestors on kpis.equipment_id = ancestors.equipment_id
    where kpis.equipment_level = 'work_unit'
    group by all
)

select below.equipment_id, below.shift_date
from below
full join {{ ref('fct_kpis_per_day') }} as days
    on below.equipment_id = days.equipment_id and below.shift_date = days.shift_date
where
    below.equipment_id is null
    or days.equipment_id is null
    {%- for column in columns %}
    or abs(below.{{ column }} - coalesce(days.{{ column }}, 0)) > 0.001
    {%- endfor %}
