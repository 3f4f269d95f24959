with

contracts as (
    select * from {{ ref('stg_operations__contracts') }}
),

final as (
    select
        contract_id,
        contract_version,
        name,
        seller_party_id,
        buyer_party_id,
        currency_code,
        time_zone,
        start_date,
        end_date,
        billing_period,
        payment_terms_days,
        tax_category,
        tax_rate_percent
    from contracts
    qualify row_number() over (partition by contract_id order by contract_version desc) = 1
)

select * from final
