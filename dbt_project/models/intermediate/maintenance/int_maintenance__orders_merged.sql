with

reports as (
    select * from {{ ref('stg_uns__maintenance_orders') }}
),

-- Reports arrive in any order; each adds what it knows, and the furthest status stands.
final as (
    select
        maintenance_order_id,
        max_by(site_id, event_at) as site_id,
        max_by(work_unit_id, event_at) as work_unit_id,
        max_by(physical_asset_id, event_at) as physical_asset_id,
        max_by(maintenance_type, event_at) as maintenance_type,
        case
            when bool_or(status = 'completed') then 'completed'
            when bool_or(status = 'started') then 'started'
            else 'planned'
        end as maintenance_order_status,
        max_by(planned_start_at, event_at) as planned_start_at,
        max_by(actual_start_at, event_at) as actual_start_at,
        max_by(actual_end_at, event_at) as actual_end_at,
        max_by(failure_event_id, event_at) as failure_id
    from reports
    group by all
)

select * from final
