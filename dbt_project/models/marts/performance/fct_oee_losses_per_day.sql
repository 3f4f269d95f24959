with

elements as (
    select * from {{ ref('fct_performance_elements') }}
    where is_counting_items
),

ancestors as (
    select * from {{ ref('bridge_equipment_ancestor') }}
),

summed as (
    select
        ancestors.ancestor_id as equipment_id,
        ancestors.ancestor_level as equipment_level,
        ancestors.ancestor_site_id as site_id,
        elements.shift_date,
        coalesce(sum(elements.observed_s), 0) as observed_s,
        sum(elements.planned_downtime_s) as planned_downtime_s,
        sum(elements.planned_busy_time_s) as planned_busy_time_s,
        sum(elements.actual_unit_down_time_s) as down_s,
        sum(elements.actual_unit_setup_time_s) as setup_s,
        sum(elements.actual_unit_delay_time_s) as delay_s,
        sum(elements.actual_production_time_s) as production_s,
        coalesce(sum(elements.planned_run_time_s), 0) as planned_run_time_s,
        coalesce(sum(elements.good_run_time_s), 0) as good_run_time_s
    from elements
    inner join ancestors on elements.work_unit_id = ancestors.equipment_id
    group by all
),

-- From the whole time down to the time in which good items should have been made, one step each.
{% set steps = [
    ('planned_downtime', 'planned_downtime_s'),
    ('breakdown', 'down_s'),
    ('setup', 'setup_s'),
    ('minor_stop', 'delay_s'),
    ('unmapped_state', 'planned_busy_time_s - down_s - setup_s - delay_s - production_s'),
    ('reduced_speed', 'production_s - planned_run_time_s'),
    ('defect', 'planned_run_time_s - good_run_time_s'),
    ('good_output', 'good_run_time_s'),
] %}
final as (
    {%- for name, seconds in steps %}
    select
        equipment_id,
        equipment_level,
        site_id,
        shift_date,
        {{ loop.index }} as loss_position,
        '{{ name }}' as loss,
        cast({{ seconds }} as double) as duration_s,
        {{ ratio(seconds, 'observed_s') }} as observed_ratio
    from summed
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from final
