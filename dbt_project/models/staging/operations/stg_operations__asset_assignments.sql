with

source as (
    select * from {{ source('operations', 'asset_assignment') }}
),

final as (
    select
        cast(asset_assignment_id as bigint) as asset_assignment_id,
        physical_asset_id,
        work_unit_id,
        cast(assigned_from_at as timestamp) as assigned_from_at,
        cast(assigned_until_at as timestamp) as assigned_until_at
    from source
)

select * from final
