{%- set evidence = ['at', 'reading', 'message_id', 'metric_index', 'landed_file', 'file_row'] -%}
{%- set counter = 'contract_id, physical_asset_id, metric' -%}
{%- set days = 'partition by dates.contract_id, dates.physical_asset_id, dates.metric order by dates.usage_date' -%}
{%- set tolerance_s = var('metering_boundary_tolerance_s') -%}

with

steps as (
    select * from {{ ref('int_metering__contract_steps') }}
),

days_read as (
    select
        {{ counter }},
        usage_date,
        sum(quantity) as quantity,
        count(*) filter (where not is_estimate and not is_still_open) as reading_count,
        count(*) filter (where segment_kind = 'rollover') as rollover_count,
        count(*) filter (where segment_kind = 'replacement' and meter_decision_id is null and not is_interpolated) as replacement_count,
        count(*) filter (where segment_kind = 'held') as held_count,
        count(*) filter (where meter_decision_id is not null and not is_estimate) as substituted_count,
        count(*) filter (where is_estimate) as estimated_count,
        count(*) filter (where is_interpolated) as interpolated_count,
        max(meter_decision_id) as meter_decision_id,
        min_by(quantity = 0 and segment_kind <> 'held' and not is_estimate and not is_interpolated, closing_at) as is_first_step_still,
        {% for part in evidence -%}
        max_by(closing_{{ part }}, closing_at) filter (where not is_still_open) as closing_{{ part }}{{ ',' if not loop.last }}
        {% endfor %}
    from steps
    group by all
),

counters as (
    select
        {{ counter }},
        time_zone,
        max(unit_code) as unit_code,
        min(usage_date) as first_date,
        max(usage_date) as last_date,
        {% for part in evidence -%}
        min_by(opening_{{ part }}, opening_at) as first_{{ part }}{{ ',' if not loop.last }}
        {% endfor %}
    from steps
    group by all
),

dates as (
    select
        {{ counter }},
        {{ day_series('first_date', 'last_date') }} as usage_date
    from counters
),

-- A day without a reading closes as it opens, and so does one that a step left open.
closed as (
    select
        dates.*,
        days_read.quantity,
        days_read.reading_count,
        days_read.rollover_count,
        days_read.replacement_count,
        days_read.held_count,
        days_read.substituted_count,
        days_read.estimated_count,
        days_read.interpolated_count,
        days_read.meter_decision_id,
        days_read.is_first_step_still,
        {{ next_known('days_read.is_first_step_still', days) }} as is_next_step_still,
        {% for part in evidence -%}
        coalesce(
            {{ last_known('days_read.closing_' ~ part, days) }}, counters.first_{{ part }}
        ) as closing_{{ part }}{{ ',' if not loop.last }}
        {% endfor %}
    from dates
    left join days_read
        on
            dates.contract_id = days_read.contract_id
            and dates.physical_asset_id = days_read.physical_asset_id
            and dates.metric = days_read.metric
            and dates.usage_date = days_read.usage_date
    inner join counters
        on
            dates.contract_id = counters.contract_id
            and dates.physical_asset_id = counters.physical_asset_id
            and dates.metric = counters.metric
),

-- A day opens as the day before closed; the first opens with the reading before its first difference.
opened as (
    select
        closed.*,
        counters.unit_code,
        counters.time_zone,
        {{ utc_time('cast(closed.usage_date as timestamp)', 'counters.time_zone') }} as period_start_at,
        {{ utc_time('cast(closed.usage_date + interval 1 day as timestamp)', 'counters.time_zone') }} as period_end_at,
        {% for part in evidence -%}
        case
            when closed.usage_date = counters.first_date then counters.first_{{ part }}
            else lag(closed.closing_{{ part }}) over (
                partition by closed.contract_id, closed.physical_asset_id, closed.metric order by closed.usage_date
            )
        end as opening_{{ part }}{{ ',' if not loop.last }}
        {% endfor %}
    from closed
    inner join counters
        on
            closed.contract_id = counters.contract_id
            and closed.physical_asset_id = counters.physical_asset_id
            and closed.metric = counters.metric
),

-- A boundary is proven by a reading near it, or by a counter that stood still across it; a held drop stood still nowhere.
final as (
    select
        {{ counter }},
        unit_code,
        time_zone,
        usage_date,
        strftime(usage_date, '%Y-%m') as billing_period,
        period_start_at,
        period_end_at,
        {% for side in ['opening', 'closing'] -%}
        {% for part in evidence -%}
        {{ side }}_{{ part }},
        {% endfor -%}
        {% endfor -%}
        coalesce(quantity, cast(0 as decimal(38, 9))) as quantity,
        coalesce(reading_count, 0) as reading_count,
        coalesce(rollover_count, 0) as rollover_count,
        coalesce(replacement_count, 0) as replacement_count,
        coalesce(held_count, 0) as held_count,
        coalesce(substituted_count, 0) as substituted_count,
        coalesce(estimated_count, 0) as estimated_count,
        coalesce(interpolated_count, 0) as interpolated_count,
        meter_decision_id,
        opening_at > period_start_at as is_opening_first_reading,
        case
            when opening_at > period_start_at
                then {{ seconds_between('period_start_at', 'opening_at') }} <= {{ tolerance_s }}
            else
                coalesce(is_first_step_still, is_next_step_still, false)
                or {{ seconds_between('opening_at', 'period_start_at') }} <= {{ tolerance_s }}
        end as is_start_proven,
        coalesce(is_next_step_still, false)
        or {{ seconds_between('closing_at', 'period_end_at') }} <= {{ tolerance_s }} as is_end_proven
    from opened
)

select * from final
