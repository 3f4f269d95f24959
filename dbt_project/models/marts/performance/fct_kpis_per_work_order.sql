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
        {{ seconds_between('actual_start_at', 'actual_end_at') }} as actual_order_execution_time_s
    from work_orders
),

final as (
    select
        rated.*,
        executed.material_id,
        executed.work_unit_id,
        executed.planned_quantity,
        executed.actual_order_execution_time_s,
        {{ ratio('rated.produced_quantity', 'executed.actual_order_execution_time_s') }} * 3600 as throughput_per_h,
        {{ ratio(
            'rated.actual_production_time_s + rated.actual_unit_setup_time_s + rated.actual_unit_delay_time_s',
            'executed.actual_order_execution_time_s',
        ) }} as allocation_ratio,
        {{ ratio('rated.actual_production_time_s', 'executed.actual_order_execution_time_s') }} as production_process_ratio
    from rated
    left join executed on rated.work_order_id = executed.work_order_id
)

select * from final
