with

source as (
    select * from {{ source('rating', 'rated_period') }}
),

final as (
    select
        contract_id,
        contract_version,
        physical_asset_id,
        billing_period,
        currency_code,
        minor_unit_digits,
        time_zone,
        period_start_at,
        period_end_at,
        first_date,
        following_date,
        rated_as_of_at,
        collected_until_at,
        completeness_ratio,
        required_completeness_ratio,
        cast(rated_amount as decimal(18, 4)) as rated_amount,
        waiting_kind,
        waiting_reason,
        hold_reason,
        rated_as_of_at >= period_end_at as is_period_over
    from source
)

select * from final
