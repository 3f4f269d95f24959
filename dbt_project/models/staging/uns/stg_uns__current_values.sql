with

source as (
    select * from {{ source('raw', 'current_value') }}
),

final as (
    select
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
        stale_since as stale_since_at
    from source
)

select * from final
