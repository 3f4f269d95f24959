with

equipment as (
    select * from {{ ref('stg_operations__equipment') }}
),

-- A work unit has its work center and area one and two steps up; nothing that is asked for lies higher.
ancestors as (
    select
        equipment.equipment_id,
        equipment.equipment_id as ancestor_id,
        equipment.equipment_level as ancestor_level
    from equipment
    union all
    select equipment.equipment_id, parents.equipment_id, parents.equipment_level
    from equipment
    inner join equipment as parents on equipment.parent_equipment_id = parents.equipment_id
    union all
    select equipment.equipment_id, grandparents.equipment_id, grandparents.equipment_level
    from equipment
    inner join equipment as parents on equipment.parent_equipment_id = parents.equipment_id
    inner join equipment as grandparents on parents.parent_equipment_id = grandparents.equipment_id
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
