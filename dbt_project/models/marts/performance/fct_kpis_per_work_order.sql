with

elements as (
    select * from {{ ref('fct_performance_elements') }}
    where work_order_id is not null
),

work_orders as (
    select * from {{ ref('fct_work_orders') }}
),

summed as (
    select
        work_order_id,
        site_id,
        {{ kpi_sums('elements') }}
    from elements
    group by all
),

rated as (
    select
        *,
        {{ kpi_ratios() }}
    from summed
),

executed as (
    select
        work_order_id,
        material_id,
        work_unit_id,
        planned_quantity,
        cast({{ seconds_between('actual_start_at', 'actual_end_at') }} as double) as actual_order_execution_time_s
    from work_orders
),

final as (
    select
        rated.*,
        executed.material_id,
        executed.work_unit_id,
        executed.planned_quantity,
        executed.actual_order_execution_time_s,
        cast(rated.produced_quantity as double)
        / nullif(executed.actual_order_execution_time_s, 0) * 3600 as throughput_per_h,
        (rated.actual_production_time_s + rated.actual_unit_setup_time_s + rated.actual_unit_delay_time_s)
        / nullif(executed.actual_order_execution_time_s, 0) as allocation_ratio,
        rated.actual_production_time_s / nullif(executed.actual_order_execution_time_s, 0) as production_process_ratio
    from rated
    left join executed on rated.work_order_id = executed.work_order_id
)

select * from final
