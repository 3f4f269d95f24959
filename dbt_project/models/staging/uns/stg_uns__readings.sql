with

source as (
    select * from {{ source('raw', 'reading') }}
),

final as (
    select
        message_id,
        metric_index,
        site_id,
        edge_node_id,
        device_id,
        metric_name,
        source_unit,
        value_decimal,
        value_double,
        value_text,
        quality,
        event_at,
        received_at,
        is_historical,
        landed_file,
        file_row
    from source
    where
        coalesce(flags, '') not like '%event_time_implausible%'
        -- Sparkplug: 0 is bad, 500 is stale; a payload without quality is good
        and coalesce(quality, 192) not in (0, 500)
)

select * from final
