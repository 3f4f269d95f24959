with

valued as (
    select * from {{ ref('int_revenue__terms_valued') }}
),

periods as (
    select * from {{ ref('stg_rating__rated_periods') }}
),

recognized as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        term_id,
        currency_code,
        sum(recognized_amount) as recognized_amount
    from {{ ref('fct_recognized_revenue_per_day') }}
    group by all
),

final as (
    select
        valued.contract_id,
        valued.physical_asset_id,
        valued.billing_period,
        valued.term_id,
        valued.currency_code,
        valued.rule,
        valued.metric,
        case
            when valued.invoice_id is not null then 'billed'
            when periods.is_period_over then 'unbilled'
            else 'running'
        end as revenue_status,
        valued.invoice_number,
        valued.issued_on,
        valued.billed_amount,
        valued.credited_amount,
        valued.rated_amount,
        valued.unbilled_amount,
        valued.correction_amount,
        cast(coalesce(recognized.recognized_amount, 0) as decimal(18, 4)) as recognized_amount,
        periods.rated_as_of_at
    from valued
    left join periods
        on
            valued.contract_id = periods.contract_id
            and valued.physical_asset_id = periods.physical_asset_id
            and valued.billing_period = periods.billing_period
    left join recognized
        on
            valued.contract_id = recognized.contract_id
            and valued.physical_asset_id = recognized.physical_asset_id
            and valued.billing_period = recognized.billing_period
            and valued.term_id = recognized.term_id
            and valued.currency_code = recognized.currency_code
)

select * from final
