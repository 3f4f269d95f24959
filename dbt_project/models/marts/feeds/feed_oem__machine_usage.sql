with

usage as (
    select * from {{ ref('fct_metered_usage_per_day') }}
),

assets as (
    select * from {{ ref('dim_physical_asset') }}
),

days as (
    select
        contract_id,
        physical_asset_id,
        usage_date,
        max(quantity) filter (where metric = 'running_time' and unit_code = 'SEC') as running_time_s,
        max(quantity) filter (where metric = 'good_count') as good_count,
        max(quantity) filter (where metric = 'air_volume' and unit_code = 'MTQ') as air_volume_m3,
        bool_or(quantity_flag <> 'actual') as has_open_question
    from usage
    group by all
),

final as (
    select
        assets.manufacturer_party_id as party_id,
        days.physical_asset_id,
        assets.serial_number,
        assets.model_name,
        days.contract_id,
        days.usage_date,
        days.running_time_s,
        days.good_count,
        days.air_volume_m3,
        days.has_open_question
    from days
    inner join assets on days.physical_asset_id = assets.physical_asset_id
)

select * from final
