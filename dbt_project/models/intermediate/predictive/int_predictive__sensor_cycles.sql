with

readings as (
    select
        work_unit_id,
        metric,
        event_at,
        date_trunc('hour', event_at) as hour_at,
        cast(value as decimal(28, 9)) as value
    from {{ ref('int_uns__readings_contextualized') }}
    where metric_role = 'sensor' and abs(value) < 1e15
),

assignments as (
    select * from {{ ref('stg_operations__asset_assignments') }}
),

histories as (
    select * from {{ ref('int_predictive__asset_histories') }}
),

on_asset as (
    select
        assignments.physical_asset_id,
        readings.metric,
        readings.event_at,
        readings.hour_at,
        readings.value
    from readings
    inner join assignments
        on
            readings.work_unit_id = assignments.work_unit_id
            and readings.event_at >= assignments.assigned_from_at
            and (assignments.assigned_until_at is null or readings.event_at < assignments.assigned_until_at)
),

-- What a machine says between its failure and the end of its repair belongs to no history.
in_history as (
    select
        on_asset.*,
        histories.history_number,
        histories.ended_at
    from on_asset
    asof inner join histories
        on on_asset.physical_asset_id = histories.physical_asset_id and on_asset.event_at >= histories.started_at
),

hours as (
    select
        physical_asset_id,
        history_number,
        hour_at,
        metric,
        avg(value) as value
    from in_history
    where ended_at is null or event_at <= ended_at
    group by all
),

final as (
    select
        physical_asset_id,
        history_number,
        cast(dense_rank() over (partition by physical_asset_id, history_number order by hour_at) as integer) as cycle,
        hour_at + interval 1 hour as as_of_at,
        metric,
        value
    from hours
)

select * from final
