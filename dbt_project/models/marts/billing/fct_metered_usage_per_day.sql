{%- set evidence = ['at', 'reading', 'message_id', 'metric_index', 'landed_file', 'file_row'] -%}

with

days as (
    select * from {{ ref('int_metering__usage_chained') }}
),

final as (
    select
        contract_id,
        physical_asset_id,
        metric,
        unit_code,
        usage_date,
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
            when is_start_proven and is_end_proven then 'actual'
            else 'estimated'
        end as quantity_flag,
        reading_count,
        rollover_count,
        replacement_count,
        held_count,
        is_opening_first_reading
    from days
)

select * from final
