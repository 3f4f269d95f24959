with

orders as (
    select * from {{ ref('int_maintenance__orders_merged') }}
),

final as (
    select
        maintenance_order_id,
        site_id,
        work_unit_id,
        physical_asset_id,
        maintenance_type,
        maintenance_order_status,
        planned_start_at,
        actual_start_at,
        actual_end_at,
        {{ seconds_between('actual_start_at', 'actual_end_at') }} as duration_s,
        failure_id
    from orders
)

select * from final
