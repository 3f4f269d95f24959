with

source as (
    select * from {{ source('raw', 'message') }}
),

final as (
    select
        message_id,
        site_id,
        message_type,
        edge_node_id,
        device_id,
        bd_seq,
        birth_at,
        seq,
        -- a clock that was never set says nothing: what is known then is when the message came
        case when coalesce(flags, '') like '%event_time_implausible%' then received_at else event_at end as event_at,
        received_at,
        coalesce(flags, '') like '%out_of_order%' as is_out_of_order
    from source
)

select * from final
