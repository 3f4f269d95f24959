with

intervals as (
    select * from {{ ref('int_production__state_intervals') }}
),

segments as (
    select * from {{ ref('int_production__calendar_segments') }}
),

spans as (
    select
        work_unit_id,
        site_id,
        min(started_at) as first_at,
        max(ended_at) as last_at
    from intervals
    group by all
),

-- One window over all boundaries replaces a join of every interval with every shift.
boundaries as (
    select work_unit_id, started_at as boundary_at, state_interval_id, null as calendar_segment_id from intervals
    union all
    select work_unit_id, last_at, null, null from spans
    union all
    select spans.work_unit_id, segments.started_at, null, segments.calendar_segment_id
    from spans
    inner join segments on spans.site_id = segments.site_id and segments.started_at < spans.last_at
),

merged as (
    select
        work_unit_id,
        boundary_at,
        max(state_interval_id) as state_interval_id,
        max(calendar_segment_id) as calendar_segment_id
    from boundaries
    group by all
),

known as (
    select
        work_unit_id,
        boundary_at as started_at,
        lead(boundary_at) over (partition by work_unit_id order by boundary_at) as ended_at,
        {{ last_known('state_interval_id', 'partition by work_unit_id order by boundary_at') }} as state_interval_id,
        {{ last_known('calendar_segment_id', 'partition by work_unit_id order by boundary_at') }} as calendar_segment_id
    from merged
),

final as (
    select
        known.work_unit_id,
        known.started_at,
        known.ended_at,
        {{ seconds_between('known.started_at', 'known.ended_at') }} as duration_s,
        intervals.state_interval_id,
        intervals.site_id,
        intervals.physical_asset_id,
        intervals.state,
        intervals.time_category,
        intervals.attribution,
        intervals.work_order_id,
        intervals.is_open,
        segments.shift_instance_id,
        segments.shift_id,
        segments.shift_date,
        coalesce(segments.is_break, false) as is_break
    from known
    inner join intervals on known.state_interval_id = intervals.state_interval_id
    left join segments on known.calendar_segment_id = segments.calendar_segment_id
    where known.ended_at is not null
)

select * from final
