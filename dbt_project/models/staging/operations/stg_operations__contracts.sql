with

source as (
    select * from {{ source('operations', 'contract') }}
),

final as (
    select
        contract_id,
        cast(contract_version as integer) as contract_version,
        name,
        seller_party_id,
        buyer_party_id,
        currency_code,
        time_zone,
        cast(start_date as date) as start_date,
        cast(end_date as date) as end_date,
        billing_period,
        cast(payment_terms_days as integer) as payment_terms_days,
        tax_category,
        cast(tax_rate_percent as decimal(38, 9)) as tax_rate_percent
    from source
)

select * from final
