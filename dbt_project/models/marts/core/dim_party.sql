with

parties as (
    select * from {{ ref('stg_operations__parties') }}
),

final as (
    select
        party_id,
        party_role,
        name,
        legal_name,
        city,
        country_code
    from parties
)

select * from final
