with

source as (
    select * from {{ source('operations', 'contract_asset') }}
),

final as (
    select
        contract_id,
        physical_asset_id,
        cast(covered_from_date as date) as covered_from_date,
        cast(covered_until_date as date) as covered_until_date
    from source
)

select * from final
