with

source as (
    select * from {{ source('operations', 'party') }}
),

final as (
    select
        party_id,
        party_role,
        name,
        legal_name,
        street,
        city,
        postal_code,
        country_code
    from source
)

select * from final
