with

sites as (
    select * from {{ ref('stg_operations__sites') }}
),

shifts as (
    select * from {{ ref('stg_operations__shifts') }}
),

holidays as (
    select * from {{ ref('stg_operations__site_holidays') }}
),

intervals as (
    select * from {{ ref('int_production__state_intervals') }}
),

-- Whole months around what is known, so that a month's schedule is whole. One day more on each side for other zones, and
-- one before the first month, whose night shift reaches into it.
horizon as (
    select
        cast(date_trunc('month', min(started_at) - interval 1 day) - interval 1 day as date) as first_date,
        cast(date_trunc('month', max(ended_at) + interval 1 day) + interval 1 month as date) as last_date
    from intervals
    having min(started_at) is not null
),

dates as (
    select {{ day_series('first_date', 'last_date') }} as shift_date
    from horizon
),

planned as (
    select
        shifts.*,
        sites.time_zone,
        dates.shift_date,
        dates.shift_date + cast(shifts.start_local_time || ':00' as time) as local_start,
        dates.shift_date + cast(shifts.end_local_time || ':00' as time) as local_end,
        dates.shift_date + cast(shifts.break_start_local_time || ':00' as time) as local_break_start,
        dates.shift_date + cast(shifts.break_end_local_time || ':00' as time) as local_break_end
    from shifts
    inner join sites on shifts.site_id = sites.site_id
    inner join dates on strpos(shifts.iso_weekdays, cast(extract('isodow' from dates.shift_date) as varchar)) > 0
    left join holidays on shifts.site_id = holidays.site_id and dates.shift_date = holidays.holiday_date
    where holidays.site_id is null
),

-- A time at or before the start is one of the next day.
rolled as (
    select
        shift_id,
        site_id,
        time_zone,
        shift_date,
        local_start,
        local_end + case when local_end <= local_start then interval 1 day else interval 0 day end as local_end,
        local_break_start
        + case when local_break_start < local_start then interval 1 day else interval 0 day end as local_break_start,
        local_break_end
        + case when local_break_end <= local_start then interval 1 day else interval 0 day end as local_break_end
    from planned
),

-- The clocks are read here, once: a night of seven or nine hours is seven or nine hours long.
clocked as (
    select
        shift_id || '/' || cast(shift_date as varchar) as shift_instance_id,
        shift_id,
        site_id,
        shift_date,
        {{ utc_time('local_start', 'time_zone') }} as started_at,
        {{ utc_time('local_end', 'time_zone') }} as ended_at,
        {{ utc_time('local_break_start', 'time_zone') }} as break_started_at,
        {{ utc_time('local_break_end', 'time_zone') }} as break_ended_at
    from rolled
),

-- A shift whose start the clocks skip starts an hour later, perhaps within its break or after it.
final as (
    select
        shift_instance_id,
        shift_id,
        site_id,
        shift_date,
        started_at,
        ended_at,
        case when break_ended_at > started_at then greatest(break_started_at, started_at) end as break_started_at,
        case when break_ended_at > started_at then break_ended_at end as break_ended_at
    from clocked
)

select * from final
