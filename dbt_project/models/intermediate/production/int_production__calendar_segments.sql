with

instances as (
    select * from {{ ref('int_production__shift_instances') }}
),

-- Where the plan changes: a shift starts, its break starts, its break ends, the shift ends.
boundaries as (
    select site_id, started_at as boundary_at, shift_instance_id, false as is_break from instances
    union all
    select site_id, break_started_at, shift_instance_id, true
    from instances
    where break_started_at < break_ended_at and break_started_at >= started_at
    union all
    select site_id, break_ended_at, shift_instance_id, false
    from instances
    where break_started_at < break_ended_at and break_ended_at < ended_at
    union all
    select site_id, ended_at, null, false from instances
),

-- Where one shift ends as the next begins, the one that begins has the instant.
distinct_boundaries as (
    select *
    from boundaries
    qualify
        row_number() over (
            partition by site_id, boundary_at
            order by case when shift_instance_id is null then 1 else 0 end, is_break desc
        ) = 1
),

segments as (
    select
        site_id,
        boundary_at as started_at,
        lead(boundary_at) over (partition by site_id order by boundary_at) as ended_at,
        shift_instance_id,
        is_break
    from distinct_boundaries
),

final as (
    select
        segments.site_id || '/' || cast(segments.started_at as varchar) as calendar_segment_id,
        segments.site_id,
        segments.started_at,
        segments.ended_at,
        segments.shift_instance_id,
        instances.shift_id,
        instances.shift_date,
        segments.is_break
    from segments
    left join instances on segments.shift_instance_id = instances.shift_instance_id
    where segments.ended_at is not null
)

select * from final
