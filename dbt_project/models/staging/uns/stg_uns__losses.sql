with

source as (
    select * from {{ source('raw', 'loss') }}
),

-- An entry written again after a crash is the same entry.
final as (
    select distinct
        site_id,
        coalesce(edge_node_id, '') as edge_node_id,
        bd_seq,
        birth_at,
        loss_kind,
        estimated_count,
        coalesce(filled_count, 0) as filled_count,
        from_at,
        until_at,
        received_at,
        detail
    from source
)

select * from final
