with

source as (
    select * from {{ source('raw', 'quarantined_message') }}
),

-- spBv1.0/<group>/<message type>/<edge node>[/<device>]
final as (
    select
        message_id,
        site_id,
        case when topic like 'spBv1.0/%' then split_part(topic, '/', 4) else '' end as edge_node_id,
        received_at,
        reason
    from source
)

select * from final
