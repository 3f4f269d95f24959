{%- set evidence = ['at', 'reading', 'message_id', 'metric_index', 'landed_file', 'file_row'] -%}

with

steps as (
    select * from {{ ref('int_metering__contract_steps') }}
),

months as (
    select * from {{ ref('fct_metered_usage_per_month') }}
),

-- Increases that follow each other are one segment; whatever else a counter did stands alone.
marked as (
    select
        *,
        case
            when
                segment_kind = 'increase'
                and lag(segment_kind) over (
                    partition by contract_id, physical_asset_id, metric, billing_period order by closing_at, usage_date
                ) = 'increase'
                then 0
            else 1
        end as starts_segment
    from steps
),

numbered as (
    select
        *,
        sum(starts_segment) over (
            partition by contract_id, physical_asset_id, metric, billing_period
            order by closing_at, usage_date
            rows between unbounded preceding and current row
        ) as segment_number
    from marked
),

segments as (
    select
        contract_id,
        physical_asset_id,
        metric,
        max(unit_code) as unit_code,
        billing_period,
        cast(segment_number as integer) as segment_number,
        max(segment_kind) as segment_kind,
        {% for part in evidence -%}
        min_by(opening_{{ part }}, closing_at) as opening_{{ part }},
        max_by(closing_{{ part }}, closing_at) as closing_{{ part }},
        {% endfor -%}
        sum(quantity) as quantity,
        max(modulus) as modulus,
        max(old_final_value) as old_final_value,
        max(new_start_value) as new_start_value,
        max(hold_reason) as hold_reason,
        max(meter_decision_id) as meter_decision_id
    from numbered
    group by all
),

-- A month without a reading has one segment too: from the reading it opens with to the same.
silent_months as (
    select
        contract_id,
        physical_asset_id,
        metric,
        unit_code,
        billing_period,
        1 as segment_number,
        'increase' as segment_kind,
        {% for part in evidence -%}
        opening_{{ part }},
        closing_{{ part }},
        {% endfor -%}
        quantity,
        cast(null as decimal(38, 9)) as modulus,
        cast(null as decimal(38, 9)) as old_final_value,
        cast(null as decimal(38, 9)) as new_start_value,
        cast(null as varchar) as hold_reason,
        cast(null as bigint) as meter_decision_id
    from months
    where reading_count = 0 and estimated_count = 0 and interpolated_count = 0
),

final as (
    select * from segments
    union all
    select * from silent_months
)

select * from final
