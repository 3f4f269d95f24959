with

sites as (
    select * from {{ ref('stg_operations__sites') }}
),

final as (
    select
        site_id,
        enterprise_id,
        name,
        time_zone,
        country_code,
        operator_party_id
    from sites
)

select * from final
