with

source as (
    select * from {{ source('raw', 'state_mapping') }}
),

final as (
    select
        site_id,
        local_state,
        state
    from source
)

select * from final
