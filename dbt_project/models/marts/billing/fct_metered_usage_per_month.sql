{%- set evidence = ['at', 'reading', 'message_id', 'metric_index', 'landed_file', 'file_row'] -%}

with

days as (
    select * from {{ ref('int_metering__usage_chained') }}
),

-- A day of the month that nobody metered is a day that nobody covered.
coverage as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        sum(covered_s) as covered_s
    from {{ ref('int_completeness__contract_days_covered') }}
    group by all
),

months as (
    select
        contract_id,
        physical_asset_id,
        metric,
        unit_code,
        time_zone,
        billing_period,
        cast(billing_period || '-01' as date) as first_day,
        cast(cast(billing_period || '-01' as date) + interval 1 month as date) as next_first_day,
        min(usage_date) as first_usage_date,
        max(usage_date) as last_usage_date,
        {% for part in evidence -%}
        min_by(opening_{{ part }}, usage_date) as opening_{{ part }},
        max_by(closing_{{ part }}, usage_date) as closing_{{ part }},
        {% endfor -%}
        min_by(is_start_proven, usage_date) as is_start_proven,
        max_by(is_end_proven, usage_date) as is_end_proven,
        sum(quantity) as quantity,
        sum(reading_count) as reading_count,
        sum(rollover_count) as rollover_count,
        sum(replacement_count) as replacement_count,
        sum(held_count) as held_count,
        sum(substituted_count) as substituted_count,
        sum(estimated_count) as estimated_count,
        sum(interpolated_count) as interpolated_count
    from days
    group by all
),

bounded as (
    select
        months.*,
        coverage.covered_s,
        {{ utc_time('cast(months.first_day as timestamp)', 'months.time_zone') }} as period_start_at,
        {{ utc_time('cast(months.next_first_day as timestamp)', 'months.time_zone') }} as period_end_at
    from months
    left join coverage
        on
            months.contract_id = coverage.contract_id
            and months.physical_asset_id = coverage.physical_asset_id
            and months.billing_period = coverage.billing_period
),

rated as (
    select
        *,
        cast(covered_s as double)
        / cast({{ seconds_between('period_start_at', 'period_end_at') }} as double) as completeness_ratio
    from bounded
),

final as (
    select
        contract_id,
        physical_asset_id,
        metric,
        unit_code,
        billing_period,
        period_start_at,
        period_end_at,
        {% for side in ['opening', 'closing'] -%}
        {% for part in evidence -%}
        {{ side }}_{{ part }},
        {% endfor -%}
        {% endfor -%}
        quantity,
        case
            when held_count > 0 then 'held'
            when estimated_count > 0 then 'estimated'
            when
                is_start_proven and is_end_proven
                and first_usage_date = first_day
                and cast(last_usage_date + interval 1 day as date) = next_first_day
                then case when substituted_count > 0 then 'substituted' else 'actual' end
            else 'estimated'
        end as quantity_flag,
        cast(reading_count as bigint) as reading_count,
        cast(rollover_count as bigint) as rollover_count,
        cast(replacement_count as bigint) as replacement_count,
        cast(held_count as bigint) as held_count,
        cast(substituted_count as bigint) as substituted_count,
        cast(estimated_count as bigint) as estimated_count,
        cast(interpolated_count as bigint) as interpolated_count,
        opening_at > period_start_at as is_opening_first_reading,
        completeness_ratio,
        completeness_ratio >= {{ var('completeness_threshold') }} as is_complete
    from rated
)

select * from final
