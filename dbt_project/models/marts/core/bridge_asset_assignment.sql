with

asset_assignments as (
    select * from {{ ref('stg_operations__asset_assignments') }}
),

final as (
    select
        asset_assignment_id,
        physical_asset_id,
        work_unit_id,
        assigned_from_at,
        assigned_until_at
    from asset_assignments
)

select * from final
