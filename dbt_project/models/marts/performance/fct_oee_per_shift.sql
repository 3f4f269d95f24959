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
        min(started_at) as observed_from_at,
        max(ended_at) as observed_until_at,
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

items as (
    select
        work_unit_id,
        shift_id,
        shift_date,
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

measured as (
    select
        times.work_unit_id,
        times.site_id,
        times.shift_id,
        times.shift_date,
        shifts.started_at as shift_started_at,
        shifts.ended_at as shift_ended_at,
        cast({{ seconds_between('shifts.started_at', 'shifts.ended_at') }} as double) as planned_operation_time_s,
        cast(times.planned_downtime_s as double) as planned_downtime_s,
        cast(times.observed_s - times.planned_downtime_s as double) as planned_busy_time_s,
        cast(times.production_s as double) as actual_production_time_s,
        cast(times.setup_s as double) as actual_unit_setup_time_s,
        cast(times.delay_s as double) as actual_unit_delay_time_s,
        cast(times.down_s as double) as actual_unit_down_time_s,
        items.planned_run_time_s,
        items.good_run_time_s,
        items.produced_quantity,
        items.good_quantity,
        items.scrap_quantity,
        items.unplanned_item_quantity,
        counting_units.work_unit_id is not null as is_counting_items,
        times.observed_from_at,
        times.observed_until_at,
        cast(times.observed_s as double) as observed_s
    from times
    inner join shifts
        on times.shift_id = shifts.shift_id and times.shift_date = shifts.shift_date
    left join counting_units on times.work_unit_id = counting_units.work_unit_id
    inner join site_horizons on times.site_id = site_horizons.site_id
    left join items
        on
            times.work_unit_id = items.work_unit_id
            and times.shift_id = items.shift_id
            and times.shift_date = items.shift_date
    where shifts.ended_at <= site_horizons.known_until_at
),

-- A state is carried on until the next is told, over a silence too; what of it nobody told is counted beside it.
uncovered_times as (
    select
        measured.work_unit_id,
        measured.shift_id,
        measured.shift_date,
        cast(
            sum(
                {{ shared_seconds('measured.observed_from_at', 'measured.observed_until_at', 'uncovered.started_at', 'uncovered.ended_at') }}
            ) as double
        ) as uncovered_s
    from measured
    inner join uncovered
        on
            measured.work_unit_id = uncovered.work_unit_id
            and uncovered.started_at < measured.observed_until_at
            and uncovered.ended_at > measured.observed_from_at
    group by all
),

covered as (
    select
        measured.*,
        coalesce(uncovered_times.uncovered_s, 0) as uncovered_s
    from measured
    left join uncovered_times
        on
            measured.work_unit_id = uncovered_times.work_unit_id
            and measured.shift_id = uncovered_times.shift_id
            and measured.shift_date = uncovered_times.shift_date
),

rated as (
    select
        *,
        actual_production_time_s / nullif(planned_busy_time_s, 0) as availability_ratio,
        case when produced_quantity > 0 then planned_run_time_s / nullif(actual_production_time_s, 0) end as effectiveness_ratio,
        cast(good_quantity as double) / nullif(cast(produced_quantity as double), 0) as quality_ratio
    from covered
),

final as (
    select
        * except (observed_from_at, observed_until_at, observed_s),
        availability_ratio * effectiveness_ratio * quality_ratio as oee_ratio,
        effectiveness_ratio > 1 as is_effectiveness_above_one,
        greatest(observed_s - uncovered_s, 0) / planned_operation_time_s as completeness_ratio,
        greatest(observed_s - uncovered_s, 0) / planned_operation_time_s >= {{ var('completeness_threshold') }} as is_complete
    from rated
)

select * from final
