with

source as (
    select * from {{ source('rating', 'rated_line') }}
),

final as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        line_number,
        term_id,
        rule,
        description,
        metric,
        quantity,
        unit_code,
        unit_price,
        cast(line_amount as decimal(18, 4)) as line_amount,
        currency_code,
        quantity_flag,
        hold_reason
    from source
)

select * from final
