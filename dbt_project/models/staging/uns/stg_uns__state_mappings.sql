with

source as (
    select * from {{ source('raw', 'state_mapping') }}
),

final as (
    select
        site_id,
        coalesce(state_map, '') as state_map,
        local_state,
        state
    from source
)

select * from final
