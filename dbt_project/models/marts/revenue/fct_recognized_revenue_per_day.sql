with

valued as (
    select * from {{ ref('int_revenue__terms_valued') }}
),

periods as (
    select * from {{ ref('stg_rating__rated_periods') }}
),

usage_per_day as (
    select * from {{ ref('fct_metered_usage_per_day') }}
),

recognizable as (
    select
        valued.contract_id,
        valued.physical_asset_id,
        valued.billing_period,
        valued.term_id,
        valued.currency_code,
        valued.metric,
        valued.billed_amount - valued.credited_amount + valued.unbilled_amount as recognizable_amount,
        periods.minor_unit_digits,
        periods.first_date,
        periods.following_date,
        case
            when periods.is_period_over then periods.following_date
            else cast({{ local_time('periods.rated_as_of_at', 'periods.time_zone') }} as date)
        end as elapsed_until_date
    from valued
    inner join periods
        on
            valued.contract_id = periods.contract_id
            and valued.physical_asset_id = periods.physical_asset_id
            and valued.billing_period = periods.billing_period
),

days as (
    select
        *,
        {{ day_series('first_date', 'following_date - interval 1 day') }} as revenue_date
    from recognizable
),

-- Weights are whole numbers: millionths of the metered quantity, or one for each day.
weighed as (
    select
        days.*,
        cast(coalesce(usage_per_day.quantity, 0) * 1000000 as {{ whole_number() }}) as usage_weight,
        sum(cast(coalesce(usage_per_day.quantity, 0) * 1000000 as {{ whole_number() }})) over term as usage_total
    from days
    left join usage_per_day
        on
            days.contract_id = usage_per_day.contract_id
            and days.physical_asset_id = usage_per_day.physical_asset_id
            and days.metric = usage_per_day.metric
            and days.revenue_date = usage_per_day.usage_date
    window term as (
        partition by
            days.contract_id, days.physical_asset_id, days.billing_period, days.term_id, days.currency_code
    )
),

-- What nobody used, but is charged all the same, is earned by time.
summed as (
    select
        *,
        case when usage_total > 0 then 'usage' else 'time' end as recognition_basis,
        cast(case when usage_total > 0 then usage_total else count(*) over term end as {{ whole_number() }}) as whole,
        cast(
            sum(case when usage_total > 0 then usage_weight else 1 end) over running as {{ whole_number() }}
        ) as part
    from weighed
    window
        term as (partition by contract_id, physical_asset_id, billing_period, term_id, currency_code),
        running as (
            partition by contract_id, physical_asset_id, billing_period, term_id, currency_code
            order by revenue_date
            rows between unbounded preceding and current row
        )
),

cumulated as (
    select
        *,
        {{ share_of_amount('recognizable_amount', 'minor_unit_digits', 'part', 'whole') }} as cumulative_amount
    from summed
),

differenced as (
    select
        *,
        cumulative_amount - coalesce(lag(cumulative_amount) over (
            partition by contract_id, physical_asset_id, billing_period, term_id, currency_code
            order by revenue_date
        ), 0) as recognized_amount
    from cumulated
),

final as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        term_id,
        currency_code,
        revenue_date,
        metric,
        recognition_basis,
        cast(recognized_amount as decimal(18, 4)) as recognized_amount
    from differenced
    where revenue_date < elapsed_until_date or recognition_basis = 'usage'
)

select * from final
