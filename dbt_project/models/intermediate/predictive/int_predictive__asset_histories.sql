with

assets as (
    select * from {{ ref('stg_operations__physical_assets') }}
),

orders as (
    select * from {{ ref('int_maintenance__orders_merged') }}
    where maintenance_order_status = 'completed' and actual_end_at is not null
),

failures as (
    select * from {{ ref('stg_uns__equipment_failures') }}
    where attribution = 'supplier'
),

starts as (
    select physical_asset_id, cast('1970-01-01 00:00:00' as timestamp) as started_at from assets
    union
    select physical_asset_id, actual_end_at as started_at from orders
),

histories as (
    select
        physical_asset_id,
        started_at,
        lead(started_at) over (partition by physical_asset_id order by started_at) as next_started_at,
        cast(row_number() over (partition by physical_asset_id order by started_at) as integer) as history_number
    from starts
),

-- A history ends with the first failure for which the machine answers, or with the work that renews it.
ends as (
    select
        histories.physical_asset_id,
        histories.history_number,
        min(failures.event_at) as failed_at
    from histories
    inner join failures
        on
            histories.physical_asset_id = failures.physical_asset_id
            and failures.event_at >= histories.started_at
            and (histories.next_started_at is null or failures.event_at < histories.next_started_at)
    group by all
),

renewals as (
    select
        histories.physical_asset_id,
        histories.history_number,
        min(orders.actual_start_at) as renewed_at
    from histories
    inner join orders
        on
            histories.physical_asset_id = orders.physical_asset_id
            and orders.actual_end_at = histories.next_started_at
            and orders.actual_start_at >= histories.started_at
    group by all
),

final as (
    select
        histories.physical_asset_id,
        histories.history_number,
        histories.started_at,
        least(ends.failed_at, renewals.renewed_at, histories.next_started_at) as ended_at,
        coalesce(ends.failed_at <= coalesce(renewals.renewed_at, ends.failed_at), false) as is_ended_by_failure
    from histories
    left join ends
        on
            histories.physical_asset_id = ends.physical_asset_id
            and histories.history_number = ends.history_number
    left join renewals
        on
            histories.physical_asset_id = renewals.physical_asset_id
            and histories.history_number = renewals.history_number
)

select * from final
