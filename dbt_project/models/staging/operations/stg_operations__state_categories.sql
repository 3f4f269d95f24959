with

source as (
    select * from {{ source('operations', 'state_category') }}
),

final as (
    select
        site_id,
        state,
        time_category,
        attribution,
        mapping_version
    from source
)

select * from final
