with

source as (
    select * from {{ source('raw', 'event') }}
    where event_type = 'equipment_failure'
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
        {{ json_text('payload', 'failure_id') }} as failure_id,
        {{ json_text('payload', 'work_unit_id') }} as work_unit_id,
        {{ json_text('payload', 'physical_asset_id') }} as physical_asset_id,
        {{ json_text('payload', 'failure_mode') }} as failure_mode,
        {{ json_text('payload', 'attribution') }} as attribution
    from events
)

select * from final
