with

steps as (
    select * from {{ ref('int_metering__counter_steps') }}
    where metric in ('good_count', 'scrap_count')
),

intervals as (
    select * from {{ ref('int_production__state_intervals') }}
),

segments as (
    select * from {{ ref('int_production__calendar_segments') }}
),

work_orders as (
    select * from {{ ref('stg_uns__work_orders') }}
    qualify row_number() over (partition by work_order_id order by event_at desc, received_at desc, event_id) = 1
),

process_segments as (
    select * from {{ ref('stg_operations__process_segments') }}
),

equipment as (
    select * from {{ ref('dim_equipment') }}
),

-- What was counted belongs to the shift and order just before the closing reading; where no order was active any more,
-- to the one that was when the opening reading was taken.
in_shift as (
    select
        steps.*,
        case when steps.closing_at <= segments.ended_at then segments.shift_id end as shift_id,
        case when steps.closing_at <= segments.ended_at then segments.shift_date end as shift_date
    from steps
    asof left join segments
        on steps.site_id = segments.site_id and steps.closing_at > segments.started_at
),

in_closing_order as (
    select
        in_shift.*,
        intervals.work_order_id as closing_work_order_id
    from in_shift
    asof left join intervals
        on in_shift.work_unit_id = intervals.work_unit_id and in_shift.closing_at > intervals.started_at
),

in_order as (
    select
        in_closing_order.*,
        coalesce(in_closing_order.closing_work_order_id, intervals.work_order_id) as work_order_id
    from in_closing_order
    asof left join intervals
        on in_closing_order.work_unit_id = intervals.work_unit_id and in_closing_order.opening_at >= intervals.started_at
),

summed as (
    select
        work_unit_id,
        site_id,
        physical_asset_id,
        shift_id,
        shift_date,
        work_order_id,
        coalesce(sum(quantity) filter (where metric = 'good_count'), cast(0 as decimal(38, 9))) as good_quantity,
        coalesce(sum(quantity) filter (where metric = 'scrap_count'), cast(0 as decimal(38, 9))) as scrap_quantity,
        sum(quantity) as produced_quantity,
        count(*) as step_count,
        count(*) filter (where segment_kind = 'held') as held_count,
        min(closing_at) as first_counted_at,
        max(closing_at) as last_counted_at
    from in_order
    group by all
),

final as (
    select
        md5(
            summed.work_unit_id || '/' || coalesce(summed.physical_asset_id, '') || '/' || coalesce(summed.shift_id, '')
            || '/' || coalesce(cast(summed.shift_date as varchar), '') || '/' || coalesce(summed.work_order_id, '')
        ) as production_count_id,
        summed.work_unit_id,
        summed.site_id,
        summed.physical_asset_id,
        summed.shift_id,
        summed.shift_date,
        summed.work_order_id,
        work_orders.material_id,
        summed.good_quantity,
        summed.scrap_quantity,
        summed.produced_quantity,
        process_segments.planned_run_time_per_item_s,
        summed.step_count,
        summed.held_count,
        summed.first_counted_at,
        summed.last_counted_at
    from summed
    left join work_orders on summed.work_order_id = work_orders.work_order_id
    left join equipment on summed.work_unit_id = equipment.equipment_id
    left join process_segments
        on
            work_orders.material_id = process_segments.material_id
            and equipment.equipment_class = process_segments.equipment_class
)

select * from final
