with

source as (
    select * from {{ source('raw', 'event') }}
    where event_type = 'customer_order'
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
        {{ json_text('payload', 'customer_order_id') }} as customer_order_id,
        {{ json_text('payload', 'party_id') }} as party_id,
        {{ json_text('payload', 'material_id') }} as material_id,
        try_cast({{ json_text('payload', 'ordered_quantity') }} as decimal(38, 9)) as ordered_quantity,
        {{ json_text('payload', 'unit_code') }} as unit_code,
        try_cast({{ json_text('payload', 'promised_date') }} as date) as promised_date
    from events
)

select * from final
