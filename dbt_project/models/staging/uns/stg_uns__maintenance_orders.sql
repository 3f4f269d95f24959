with

source as (
    select * from {{ source('raw', 'event') }}
    where event_type = 'maintenance_order'
),

events as (
    {{ events_in_force('source') }}
),

final as (
    select
        event_id,
        site_id,
        event_at,
        received_at,
        message_id,
        {{ json_text('payload', 'maintenance_order_id') }} as maintenance_order_id,
        {{ json_text('payload', 'work_unit_id') }} as work_unit_id,
        {{ json_text('payload', 'physical_asset_id') }} as physical_asset_id,
        {{ json_text('payload', 'maintenance_type') }} as maintenance_type,
        {{ json_text('payload', 'status') }} as status,
        {{ utc_from_text(json_text('payload', 'planned_start_at')) }} as planned_start_at,
        {{ utc_from_text(json_text('payload', 'actual_start_at')) }} as actual_start_at,
        {{ utc_from_text(json_text('payload', 'actual_end_at')) }} as actual_end_at,
        {{ json_text('payload', 'failure_event_id') }} as failure_event_id
    from events
)

select * from final
