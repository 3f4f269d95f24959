{%- set evidence = ['at', 'reading', 'message_id', 'metric_index', 'landed_file', 'file_row'] -%}

with

days as (
    select * from {{ ref('int_metering__usage_chained') }}
),

coverage as (
    select * from {{ ref('int_completeness__contract_days_covered') }}
),

final as (
    select
        days.contract_id,
        days.physical_asset_id,
        days.metric,
        days.unit_code,
        days.usage_date,
        days.period_start_at,
        days.period_end_at,
        {% for side in ['opening', 'closing'] -%}
        {% for part in evidence -%}
        {{ side }}_{{ part }},
        {% endfor -%}
        {% endfor -%}
        quantity,
        case
            when held_count > 0 then 'held'
            when estimated_count > 0 then 'estimated'
            when not (is_start_proven and is_end_proven) then 'estimated'
            when substituted_count > 0 then 'substituted'
            else 'actual'
        end as quantity_flag,
        reading_count,
        rollover_count,
        replacement_count,
        held_count,
        substituted_count,
        estimated_count,
        interpolated_count,
        is_opening_first_reading,
        cast(coverage.covered_s as double) / cast(coverage.period_s as double) as completeness_ratio,
        cast(coverage.covered_s as double) / cast(coverage.period_s as double)
        >= {{ var('completeness_threshold') }} as is_complete
    from days
    left join coverage
        on
            days.contract_id = coverage.contract_id
            and days.physical_asset_id = coverage.physical_asset_id
            and days.usage_date = coverage.usage_date
)

select * from final
