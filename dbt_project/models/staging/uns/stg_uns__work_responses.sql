with

source as (
    select * from {{ source('raw', 'event') }}
    where event_type = 'work_response'
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
        {{ json_text('payload', 'work_unit_id') }} as work_unit_id,
        {{ json_text('payload', 'status') }} as status,
        {{ utc_from_text(json_text('payload', 'actual_start_at')) }} as actual_start_at,
        {{ utc_from_text(json_text('payload', 'actual_end_at')) }} as actual_end_at,
        try_cast({{ json_text('payload', 'good_quantity') }} as decimal(38, 9)) as good_quantity,
        try_cast({{ json_text('payload', 'scrap_quantity') }} as decimal(38, 9)) as scrap_quantity
    from events
)

select * from final
