-- A month opens as its first day does and closes as its last day does.
with

days as (
    select
        contract_id,
        physical_asset_id,
        metric,
        strftime(usage_date, '%Y-%m') as billing_period,
        min_by(opening_message_id, usage_date) as opening_message_id,
        max_by(closing_message_id, usage_date) as closing_message_id
    from {{ ref('fct_metered_usage_per_day') }}
    group by all
),

months as (
    select * from {{ ref('fct_metered_usage_per_month') }}
)

select
    months.contract_id,
    months.physical_asset_id,
    months.metric,
    months.billing_period
from months
left join days
    on
        months.contract_id = days.contract_id
        and months.physical_asset_id = days.physical_asset_id
        and months.metric = days.metric
        and months.billing_period = days.billing_period
where
    months.opening_message_id is distinct from days.opening_message_id
    or months.closing_message_id is distinct from days.closing_message_id
