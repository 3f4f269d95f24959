with

source as (
    select * from {{ source('raw', 'event') }}
    where event_type = 'work_order'
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
        {{ json_text('payload', 'work_order_id') }} as work_order_id,
        {{ json_text('payload', 'customer_order_id') }} as customer_order_id,
        {{ json_text('payload', 'material_id') }} as material_id,
        {{ json_text('payload', 'work_unit_id') }} as work_unit_id,
        try_cast({{ json_text('payload', 'planned_quantity') }} as decimal(38, 9)) as planned_quantity,
        {{ json_text('payload', 'unit_code') }} as unit_code,
        {{ utc_from_text(json_text('payload', 'planned_start_at')) }} as planned_start_at,
        {{ utc_from_text(json_text('payload', 'planned_end_at')) }} as planned_end_at,
        {{ json_text('payload', 'status') }} as status
    from events
)

select * from final
