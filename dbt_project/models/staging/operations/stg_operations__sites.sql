with

source as (
    select * from {{ source('operations', 'site') }}
),

final as (
    select
        site_id,
        enterprise_id,
        name,
        time_zone,
        country_code,
        operator_party_id
    from source
)

select * from final
