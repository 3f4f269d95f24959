with

source as (
    select * from {{ source('raw', 'event') }}
    where event_type = 'meter_change'
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
        {{ json_text('payload', 'work_unit_id') }} as work_unit_id,
        {{ json_text('payload', 'physical_asset_id') }} as physical_asset_id,
        {{ json_text('payload', 'metric') }} as metric,
        try_cast({{ json_text('payload', 'old_final_value') }} as decimal(38, 9)) as old_final_value,
        try_cast({{ json_text('payload', 'new_start_value') }} as decimal(38, 9)) as new_start_value,
        {{ json_text('payload', 'unit_code') }} as unit_code
    from events
)

select * from final
