with

elements as (
    select * from {{ ref('fct_performance_elements') }}
),

shifts as (
    select * from {{ ref('int_production__shift_instances') }}
),

summed as (
    select
        work_unit_id,
        site_id,
        shift_id,
        shift_date,
        cast(sum(planned_downtime_s) as double) as planned_downtime_s,
        cast(sum(planned_busy_time_s) as double) as planned_busy_time_s,
        cast(sum(actual_production_time_s) as double) as actual_production_time_s,
        cast(sum(actual_unit_setup_time_s) as double) as actual_unit_setup_time_s,
        cast(sum(actual_unit_delay_time_s) as double) as actual_unit_delay_time_s,
        cast(sum(actual_unit_down_time_s) as double) as actual_unit_down_time_s,
        sum(planned_run_time_s) as planned_run_time_s,
        sum(good_run_time_s) as good_run_time_s,
        sum(produced_quantity) as produced_quantity,
        sum(good_quantity) as good_quantity,
        sum(scrap_quantity) as scrap_quantity,
        sum(unplanned_item_quantity) as unplanned_item_quantity,
        bool_or(is_counting_items) as is_counting_items,
        cast(sum(observed_s) as double) as observed_s,
        cast(sum(uncovered_s) as double) as uncovered_s
    from elements
    group by all
    having sum(observed_s) is not null
),

rated as (
    select
        summed.work_unit_id,
        summed.site_id,
        summed.shift_id,
        summed.shift_date,
        shifts.started_at as shift_started_at,
        shifts.ended_at as shift_ended_at,
        cast({{ seconds_between('shifts.started_at', 'shifts.ended_at') }} as double) as planned_operation_time_s,
        summed.planned_downtime_s,
        summed.planned_busy_time_s,
        summed.actual_production_time_s,
        summed.actual_unit_setup_time_s,
        summed.actual_unit_delay_time_s,
        summed.actual_unit_down_time_s,
        summed.planned_run_time_s,
        summed.good_run_time_s,
        summed.produced_quantity,
        summed.good_quantity,
        summed.scrap_quantity,
        summed.unplanned_item_quantity,
        summed.is_counting_items,
        summed.observed_s,
        summed.uncovered_s,
        summed.actual_production_time_s / nullif(summed.planned_busy_time_s, 0) as availability_ratio,
        case
            when summed.produced_quantity > 0 then summed.planned_run_time_s / nullif(summed.actual_production_time_s, 0)
        end as effectiveness_ratio,
        cast(summed.good_quantity as double) / nullif(cast(summed.produced_quantity as double), 0) as quality_ratio
    from summed
    inner join shifts
        on summed.shift_id = shifts.shift_id and summed.shift_date = shifts.shift_date
),

final as (
    select
        * except (observed_s),
        availability_ratio * effectiveness_ratio * quality_ratio as oee_ratio,
        effectiveness_ratio > 1 as is_effectiveness_above_one,
        greatest(observed_s - uncovered_s, 0) / planned_operation_time_s as completeness_ratio,
        greatest(observed_s - uncovered_s, 0) / planned_operation_time_s >= {{ var('completeness_threshold') }} as is_complete
    from rated
)

select * from final
