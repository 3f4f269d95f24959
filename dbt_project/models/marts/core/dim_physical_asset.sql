with

assets as (
    select * from {{ ref('stg_operations__physical_assets') }}
),

assignments as (
    select * from {{ ref('stg_operations__asset_assignments') }}
    where assigned_until_at is null
),

equipment as (
    select * from {{ ref('stg_operations__equipment') }}
),

final as (
    select
        assets.physical_asset_id,
        assets.serial_number,
        assets.equipment_class,
        assets.model_name,
        assets.manufacturer_party_id,
        assets.commissioned_date,
        assignments.work_unit_id as current_work_unit_id,
        equipment.site_id as current_site_id
    from assets
    left join assignments on assets.physical_asset_id = assignments.physical_asset_id
    left join equipment on assignments.work_unit_id = equipment.equipment_id
)

select * from final
