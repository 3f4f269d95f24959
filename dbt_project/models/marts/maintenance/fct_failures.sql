with

failures as (
    select * from {{ ref('stg_uns__equipment_failures') }}
    qualify row_number() over (partition by failure_id order by received_at, event_id) = 1
),

orders as (
    select * from {{ ref('fct_maintenance_orders') }}
),

repairs as (
    select
        failure_id,
        min(maintenance_order_id) as maintenance_order_id,
        max(actual_end_at) as repaired_at
    from orders
    where failure_id is not null
    group by all
),

sequenced as (
    select
        failures.failure_id,
        failures.site_id,
        failures.work_unit_id,
        failures.physical_asset_id,
        failures.event_at as failed_at,
        failures.failure_mode,
        failures.attribution,
        repairs.maintenance_order_id,
        repairs.repaired_at,
        lag(failures.event_at) over (partition by failures.physical_asset_id order by failures.event_at) as previous_failed_at
    from failures
    left join repairs on failures.failure_id = repairs.failure_id
),

final as (
    select
        *,
        {{ seconds_between('failed_at', 'repaired_at') }} as time_to_repair_s,
        {{ seconds_between('previous_failed_at', 'failed_at') }} as time_between_failures_s
    from sequenced
)

select * from final
