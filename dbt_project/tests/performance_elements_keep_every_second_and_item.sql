-- Of every unit and shift that has elements: its states' time and its counters' items, no more and no less.
with

elements as (
    select
        work_unit_id,
        shift_id,
        shift_date,
        coalesce(sum(observed_s), 0) as seconds,
        coalesce(sum(produced_quantity), 0) as items
    from {{ ref('fct_performance_elements') }}
    group by all
),

sources as (
    select work_unit_id, shift_id, shift_date, cast(duration_s as double) as seconds, 0 as items
    from {{ ref('fct_equipment_states') }}
    union all
    select work_unit_id, shift_id, shift_date, 0, produced_quantity
    from {{ ref('fct_production_counts') }}
),

summed as (
    select
        work_unit_id,
        shift_id,
        shift_date,
        sum(seconds) as seconds,
        sum(items) as items
    from sources
    where shift_id is not null
    group by all
)

select
    elements.*,
    summed.seconds as source_seconds,
    summed.items as source_items
from elements
left join summed
    on
        elements.work_unit_id = summed.work_unit_id
        and elements.shift_id = summed.shift_id
        and elements.shift_date = summed.shift_date
where abs(elements.seconds - coalesce(summed.seconds, 0)) > 0.001 or elements.items <> coalesce(summed.items, 0)
