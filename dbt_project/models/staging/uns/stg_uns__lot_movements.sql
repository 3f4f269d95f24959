with

source as (
    select * from {{ source('raw', 'event') }}
    where event_type = 'lot_movement'
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
        {{ json_text('payload', 'material_lot_id') }} as material_lot_id,
        {{ json_text('payload', 'material_id') }} as material_id,
        {{ json_text('payload', 'movement') }} as movement,
        try_cast({{ json_text('payload', 'quantity') }} as decimal(38, 9)) as quantity,
        {{ json_text('payload', 'unit_code') }} as unit_code,
        {{ json_text('payload', 'party_id') }} as party_id,
        {{ json_text('payload', 'work_order_id') }} as work_order_id,
        {{ json_text('payload', 'customer_order_id') }} as customer_order_id
    from events
)

select * from final
