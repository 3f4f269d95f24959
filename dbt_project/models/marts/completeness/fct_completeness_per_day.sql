with

heard as (
    select * from {{ ref('int_completeness__work_units_heard') }}
),

assignments as (
    select * from {{ ref('bridge_asset_assignment') }}
),

uncovered as (
    select * from {{ ref('int_completeness__uncovered_intervals') }}
),

outages as (
    select * from {{ ref('int_completeness__outage_intervals') }}
),

gaps as (
    select * from {{ ref('int_completeness__sequence_gaps') }}
),

messages as (
    select * from {{ ref('stg_uns__messages') }}
    where message_type not in ('event', 'NDEATH')
),

devices as (
    select distinct
        site_id,
        edge_node_id,
        device_id,
        work_unit_id
    from {{ ref('stg_uns__metric_mappings') }}
    where work_unit_id is not null
),

dates as (
    select
        *,
        {{ day_series('cast(first_event_at as date)', "cast(told_until_at - interval 1 microsecond as date)") }} as utc_date
    from heard
    where told_until_at > first_event_at
),

days as (
    select
        *,
        greatest(cast(utc_date as timestamp), first_event_at) as day_started_at,
        least(cast(utc_date as timestamp) + interval 1 day, told_until_at) as day_ended_at
    from dates
),

-- A day on which one machine is taken away and another put in its place is told of each of them.
assigned as (
    select
        days.*,
        assignments.physical_asset_id,
        greatest(days.day_started_at, coalesce(assignments.assigned_from_at, days.day_started_at)) as started_at,
        least(days.day_ended_at, coalesce(assignments.assigned_until_at, days.day_ended_at)) as ended_at
    from days
    left join assignments
        on
            days.work_unit_id = assignments.work_unit_id
            and assignments.assigned_from_at < days.day_ended_at
            and (assignments.assigned_until_at is null or assignments.assigned_until_at > days.day_started_at)
),

stays as (
    select
        work_unit_id || '/' || coalesce(physical_asset_id, '') || '/' || cast(started_at as varchar) as stay_id,
        *,
        {{ seconds_between('started_at', 'ended_at') }} as window_s
    from assigned
),

landed as (
    select
        devices.work_unit_id,
        cast(messages.event_at as date) as utc_date,
        messages.event_at
    from messages
    inner join devices
        on
            messages.site_id = devices.site_id
            and messages.edge_node_id = devices.edge_node_id
            and messages.device_id = devices.device_id
),

landed_per_stay as (
    select
        stays.stay_id,
        count(*) as landed_message_count
    from stays
    inner join landed
        on
            stays.work_unit_id = landed.work_unit_id
            and stays.utc_date = landed.utc_date
            and landed.event_at >= stays.started_at
            and (landed.event_at < stays.ended_at or landed.event_at = stays.told_until_at)
    group by all
),

-- A gap in an edge node's sequence may hide messages of any of its devices; it counts on the day it ends.
missing_per_stay as (
    select
        stays.stay_id,
        sum(gaps.missing_message_count) as missing_message_count
    from gaps
    inner join (select distinct site_id, edge_node_id, work_unit_id from devices) as edge_nodes
        on gaps.site_id = edge_nodes.site_id and gaps.edge_node_id = edge_nodes.edge_node_id
    inner join stays
        on
            edge_nodes.work_unit_id = stays.work_unit_id
            and gaps.until_at > stays.started_at
            and gaps.until_at <= stays.ended_at
    group by all
),

uncovered_per_stay as (
    select
        stays.stay_id,
        sum({{ shared_seconds('stays.started_at', 'stays.ended_at', 'uncovered.started_at', 'uncovered.ended_at') }}) as uncovered_s
    from stays
    inner join uncovered
        on
            stays.work_unit_id = uncovered.work_unit_id
            and uncovered.started_at < stays.ended_at
            and uncovered.ended_at > stays.started_at
    group by all
),

outage_per_stay as (
    select
        stays.stay_id,
        sum({{ shared_seconds('stays.started_at', 'stays.ended_at', 'outages.started_at', 'outages.ended_at') }}) as outage_s
    from stays
    inner join outages
        on
            stays.work_unit_id = outages.work_unit_id
            and outages.started_at < stays.ended_at
            and outages.ended_at > stays.started_at
    group by all
),

counted as (
    select
        stays.*,
        coalesce(landed_per_stay.landed_message_count, 0) as landed_message_count,
        coalesce(outage_per_stay.outage_s, 0) as outage_s,
        coalesce(uncovered_per_stay.uncovered_s, 0) as uncovered_s,
        case
            when stays.is_sequenced then coalesce(missing_per_stay.missing_message_count, 0)
            else round(cast(coalesce(uncovered_per_stay.uncovered_s, 0) as double) / stays.usual_step_s)
        end as missing_message_count
    from stays
    left join landed_per_stay on stays.stay_id = landed_per_stay.stay_id
    left join outage_per_stay on stays.stay_id = outage_per_stay.stay_id
    left join uncovered_per_stay on stays.stay_id = uncovered_per_stay.stay_id
    left join missing_per_stay on stays.stay_id = missing_per_stay.stay_id
    where
        -- where a machine once stood and none stands now, silence is no loss
        stays.physical_asset_id is not null
        or landed_per_stay.landed_message_count > 0
        or stays.work_unit_id not in (select assignments.work_unit_id from assignments)
),

final as (
    select
        md5(stay_id) as completeness_day_id,
        site_id,
        work_unit_id,
        physical_asset_id,
        utc_date,
        started_at,
        ended_at,
        cast(landed_message_count + coalesce(missing_message_count, 0) as bigint) as expected_message_count,
        cast(landed_message_count as bigint) as landed_message_count,
        cast(coalesce(missing_message_count, 0) as bigint) as missing_message_count,
        not is_sequenced as is_missing_estimated,
        cast(outage_s as decimal(18, 6)) as outage_s,
        cast(outage_s - uncovered_s as decimal(18, 6)) as backfilled_s,
        cast(uncovered_s as decimal(18, 6)) as uncovered_s,
        cast(1 as double) - cast(uncovered_s as double) / cast(window_s as double) as completeness_ratio,
        cast(1 as double) - cast(uncovered_s as double) / cast(window_s as double)
        >= {{ var('completeness_threshold') }} as is_complete
    from counted
    where window_s > 0
)

select * from final
