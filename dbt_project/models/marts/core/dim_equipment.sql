with

equipment as (
    select * from {{ ref('stg_operations__equipment') }}
),

ancestors as (
    select * from {{ ref('bridge_equipment_ancestor') }}
),

placed as (
    select
        equipment_id,
        max(ancestor_id) filter (where ancestor_level = 'area') as area_id,
        max(ancestor_id) filter (where ancestor_level = 'work_center') as work_center_id
    from ancestors
    group by all
),

final as (
    select
        equipment.equipment_id,
        equipment.equipment_level,
        equipment.parent_equipment_id,
        equipment.site_id,
        placed.area_id,
        placed.work_center_id,
        equipment.name,
        equipment.equipment_class
    from equipment
    inner join placed on equipment.equipment_id = placed.equipment_id
)

select * from final
