with

source as (
    select * from {{ source('operations', 'material_definition') }}
),

final as (
    select
        material_id,
        name,
        material_type,
        unit_code,
        supplier_party_id
    from source
)

select * from final
