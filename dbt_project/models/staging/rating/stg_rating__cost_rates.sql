with

source as (
    select * from {{ source('rating', 'cost_rate') }}
),

final as (
    select
        site_id,
        currency_code,
        valid_from_date,
        cast(energy_price_per_kwh as decimal(18, 6)) as energy_price_per_kwh,
        cast(service_price_per_hour as decimal(18, 6)) as service_price_per_hour
    from source
)

select * from final
