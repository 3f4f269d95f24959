with

contracts as (
    select * from {{ ref('stg_operations__contracts') }}
    qualify row_number() over (partition by contract_id order by contract_version desc) = 1
),

covered_assets as (
    select * from {{ ref('stg_operations__contract_assets') }}
),

local_dates as (
    select
        contracts.contract_id,
        contracts.time_zone,
        covered_assets.physical_asset_id,
        greatest(contracts.start_date, covered_assets.covered_from_date) as covered_from_date,
        -- the first date no longer covered
        least(contracts.end_date, covered_assets.covered_until_date) as covered_until_date
    from covered_assets
    inner join contracts on covered_assets.contract_id = contracts.contract_id
),

final as (
    select
        *,
        {{ utc_time('cast(covered_from_date as timestamp)', 'time_zone') }} as covered_from_at,
        {{ utc_time('cast(covered_until_date as timestamp)', 'time_zone') }} as covered_until_at
    from local_dates
)

select * from final
