with

material_definitions as (
    select * from {{ ref('stg_operations__material_definitions') }}
),

final as (
    select
        material_id,
        name,
        material_type,
        unit_code,
        supplier_party_id
    from material_definitions
)

select * from final
