with

source as (
    select * from {{ source('operations', 'equipment') }}
),

final as (
    select
        equipment_id,
        equipment_level,
        parent_equipment_id,
        site_id,
        name,
        equipment_class
    from source
)

select * from final
