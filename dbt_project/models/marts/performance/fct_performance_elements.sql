with

states as (
    select * from {{ ref('fct_equipment_states') }}
    where shift_id is not null
),

counts as (
    select * from {{ ref('fct_production_counts') }}
    where shift_id is not null
),

shifts as (
    select * from {{ ref('int_production__shift_instances') }}
),

uncovered as (
    select * from {{ ref('int_completeness__uncovered_intervals') }}
),

work_orders as (
    select
        work_order_id,
        material_id
    from {{ ref('fct_work_orders') }}
),

counting_units as (
    select distinct work_unit_id from {{ ref('fct_production_counts') }}
),

site_horizons as (
    select
        site_id,
        max(ended_at) as known_until_at
    from {{ ref('fct_equipment_states') }}
    group by all
),

-- A break the unit works through is no downtime: its time and its items both count.
times as (
    select
        work_unit_id,
        site_id,
        shift_id,
        shift_date,
        work_order_id,
        sum(duration_s) as observed_s,
        coalesce(sum(duration_s) filter (where time_category = 'production'), 0) as production_s,
        coalesce(sum(duration_s) filter (where time_category = 'setup'), 0) as setup_s,
        coalesce(sum(duration_s) filter (where time_category = 'delay' and not is_break), 0) as delay_s,
        coalesce(sum(duration_s) filter (where time_category = 'down' and not is_break), 0) as down_s,
        coalesce(
            sum(duration_s) filter (
                where
                    time_category in ('planned_down', 'not_planned')
                    or (is_break and coalesce(time_category, '') not in ('production', 'setup'))
            ),
            0
        ) as planned_downtime_s
    from states
    group by all
),

-- A state is carried on until the next is told, over a silence too; what of it nobody told is counted beside it.
uncovered_times as (
    select
        states.work_unit_id,
        states.site_id,
        states.shift_id,
        states.shift_date,
        states.work_order_id,
        sum(
            {{ shared_seconds('states.started_at', 'states.ended_at', 'uncovered.started_at', 'uncovered.ended_at') }}
        ) as uncovered_s
    from states
    inner join uncovered
        on
            states.work_unit_id = uncovered.work_unit_id
            and uncovered.started_at < states.ended_at
            and uncovered.ended_at > states.started_at
    group by all
),

items as (
    select
        work_unit_id,
        site_id,
        shift_id,
        shift_date,
        work_order_id,
        sum(produced_quantity) as produced_quantity,
        sum(good_quantity) as good_quantity,
        sum(scrap_quantity) as scrap_quantity,
        cast(sum(planned_run_time_per_item_s * produced_quantity) as double) as planned_run_time_s,
        cast(sum(planned_run_time_per_item_s * good_quantity) as double) as good_run_time_s,
        coalesce(
            sum(produced_quantity) filter (where planned_run_time_per_item_s is null), cast(0 as decimal(38, 9))
        ) as unplanned_item_quantity
    from counts
    group by all
),

-- Items can belong to an order that has no time in the shift, and time to an order without items: a union, not a join.
{% set keys = ['work_unit_id', 'site_id', 'shift_id', 'shift_date', 'work_order_id'] %}
{% set time_columns = ['observed_s', 'production_s', 'setup_s', 'delay_s', 'down_s', 'planned_downtime_s'] %}
{% set item_columns = [
    'produced_quantity', 'good_quantity', 'scrap_quantity', 'planned_run_time_s', 'good_run_time_s', 'unplanned_item_quantity'
] %}
united as (
    {%- for source, own in [('times', time_columns), ('uncovered_times', ['uncovered_s']), ('items', item_columns)] %}
    select
        {{ keys | join(', ') }},
        {%- for column in time_columns + ['uncovered_s'] + item_columns %}
        {{ column if column in own else 'null' }} as {{ column }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from {{ source }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

summed as (
    select
        {{ keys | join(', ') }},
        {%- for column in time_columns + ['uncovered_s'] + item_columns %}
        sum({{ column }}) as {{ column }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from united
    group by all
),

final as (
    select
        md5(
            summed.work_unit_id || '/' || summed.shift_id || '/' || cast(summed.shift_date as varchar)
            || '/' || coalesce(summed.work_order_id, '')
        ) as performance_element_id,
        summed.work_unit_id,
        summed.site_id,
        summed.shift_id,
        summed.shift_date,
        summed.work_order_id,
        work_orders.material_id,
        counting_units.work_unit_id is not null as is_counting_items,
        summed.observed_s,
        coalesce(summed.uncovered_s, 0) as uncovered_s,
        coalesce(summed.planned_downtime_s, 0) as planned_downtime_s,
        coalesce(summed.observed_s - summed.planned_downtime_s, 0) as planned_busy_time_s,
        coalesce(summed.production_s, 0) as actual_production_time_s,
        coalesce(summed.setup_s, 0) as actual_unit_setup_time_s,
        coalesce(summed.delay_s, 0) as actual_unit_delay_time_s,
        coalesce(summed.down_s, 0) as actual_unit_down_time_s,
        summed.planned_run_time_s,
        summed.good_run_time_s,
        summed.produced_quantity,
        summed.good_quantity,
        summed.scrap_quantity,
        summed.unplanned_item_quantity
    from summed
    inner join shifts
        on summed.shift_id = shifts.shift_id and summed.shift_date = shifts.shift_date
    inner join site_horizons on summed.site_id = site_horizons.site_id
    left join counting_units on summed.work_unit_id = counting_units.work_unit_id
    left join work_orders on summed.work_order_id = work_orders.work_order_id
    where shifts.ended_at <= site_horizons.known_until_at
)

select * from final
