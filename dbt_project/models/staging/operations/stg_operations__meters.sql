with

source as (
    select * from {{ source('operations', 'meter') }}
),

final as (
    select
        meter_id,
        physical_asset_id,
        metric,
        unit_code,
        cast(modulus as decimal(38, 9)) as modulus,
        cast(maximum_rate_per_hour as decimal(38, 9)) as maximum_rate_per_hour,
        boundary_rule
    from source
)

select * from final
