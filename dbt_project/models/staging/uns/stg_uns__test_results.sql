with

source as (
    select * from {{ source('raw', 'event') }}
    where event_type = 'test_result'
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
        {{ json_text('payload', 'test_result_id') }} as test_result_id,
        {{ json_text('payload', 'material_lot_id') }} as material_lot_id,
        {{ json_text('payload', 'material_id') }} as material_id,
        {{ json_text('payload', 'work_order_id') }} as work_order_id,
        {{ json_text('payload', 'work_unit_id') }} as work_unit_id,
        {{ json_text('payload', 'characteristic') }} as characteristic,
        try_cast({{ json_text('payload', 'measured_value') }} as decimal(38, 9)) as measured_value,
        {{ json_text('payload', 'unit_code') }} as unit_code,
        try_cast({{ json_text('payload', 'lower_limit') }} as decimal(38, 9)) as lower_limit,
        try_cast({{ json_text('payload', 'upper_limit') }} as decimal(38, 9)) as upper_limit,
        {{ json_text('payload', 'result') }} as result,
        try_cast({{ json_text('payload', 'inspected_quantity') }} as decimal(38, 9)) as inspected_quantity,
        try_cast({{ json_text('payload', 'rejected_quantity') }} as decimal(38, 9)) as rejected_quantity
    from events
)

select * from final
