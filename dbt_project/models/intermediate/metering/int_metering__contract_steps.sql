{%- set evidence = ['at', 'reading', 'message_id', 'metric_index', 'landed_file', 'file_row'] -%}
{%- set columns = [
    'contract_id', 'time_zone', 'counter_id', 'physical_asset_id', 'work_unit_id', 'site_id', 'metric', 'unit_code',
    'segment_kind', 'opening_at', 'opening_reading', 'opening_message_id', 'opening_metric_index', 'opening_landed_file',
    'opening_file_row', 'closing_at', 'closing_reading', 'closing_message_id', 'closing_metric_index',
    'closing_landed_file', 'closing_file_row', 'quantity', 'modulus', 'old_final_value', 'new_start_value', 'hold_reason',
    'meter_decision_id', 'usage_date', 'billing_period', 'is_estimate',
    'is_interpolated', 'is_still_open'
] -%}

with

steps as (
    select * from {{ ref('int_metering__counter_steps') }}
),

coverage as (
    select * from {{ ref('int_metering__contract_coverage') }}
),

interpolated_meters as (
    select
        physical_asset_id,
        metric,
        case when unit_code in ('C62', 'H87') then 1 else 10000 end as parts_of_a_unit
    from {{ ref('stg_operations__meters') }}
    where boundary_rule = 'interpolated'
),

estimates as (
    select * from {{ ref('int_metering__decisions_placed') }}
    where decision = 'estimate'
),

covered as (
    select
        coverage.contract_id,
        coverage.time_zone,
        coverage.covered_from_date,
        steps.*
    from steps
    inner join coverage
        on
            steps.physical_asset_id = coverage.physical_asset_id
            and steps.closing_at > coverage.covered_from_at
            and (coverage.covered_until_at is null or steps.closing_at <= coverage.covered_until_at)
),

-- A reading at midnight closes the day that ends, so that the day's counters include its last instant.
dated as (
    select
        *,
        cast({{ local_time('closing_at - interval 1 microsecond', 'time_zone') }} as date) as usage_date
    from covered
),

judged as (
    select
        dated.*,
        interpolated_meters.parts_of_a_unit,
        cast({{ local_time('dated.opening_at', 'dated.time_zone') }} as date) as opening_date,
        coalesce(
            interpolated_meters.metric is not null
            and dated.segment_kind in ('increase', 'rollover')
            and cast({{ local_time('dated.opening_at', 'dated.time_zone') }} as date) < dated.usage_date,
            false
        ) as is_interpolated
    from dated
    left join interpolated_meters
        on
            dated.physical_asset_id = interpolated_meters.physical_asset_id
            and dated.metric = interpolated_meters.metric
),

read as (
    select
        *,
        strftime(usage_date, '%Y-%m') as billing_period,
        false as is_estimate,
        false as is_still_open
    from judged
),

-- A step over midnight of a meter that is interpolated belongs to each day by its share of the time.
days_crossed as (
    select
        *,
        {{ day_series('opening_date', 'usage_date') }} as part_date
    from judged
    where is_interpolated
),

shared as (
    select
        *,
        case
            when part_date = usage_date then quantity
            else {{ whole_share('quantity', 'parts_of_a_unit', 'opening_at',
                utc_time('cast(part_date + interval 1 day as timestamp)', 'time_zone'), 'closing_at') }}
        end as quantity_until
    from days_crossed
),

-- Cut down to whole counts (or four decimals of a unit) at each midnight, the rest to the day after: the parts add up.
shares as (
    select
        *,
        quantity_until - lag(quantity_until, 1, cast(0 as decimal(38, 9))) over (
            partition by contract_id, physical_asset_id, metric, closing_at order by part_date
        ) as share
    from shared
),

-- Both readings and two declared values carry a share, so that a line follows from what it shows. A day before the
-- contract's first is not the contract's.
interpolated as (
    select
        contract_id,
        time_zone,
        counter_id,
        physical_asset_id,
        work_unit_id,
        site_id,
        metric,
        unit_code,
        'replacement' as segment_kind,
        {% for side in ['opening', 'closing'] -%}
        {% for part in evidence -%}
        {{ side }}_{{ part }},
        {% endfor -%}
        {% endfor -%}
        cast(share as decimal(38, 9)) as quantity,
        cast(null as decimal(38, 9)) as modulus,
        cast(opening_reading + share as decimal(38, 9)) as old_final_value,
        closing_reading as new_start_value,
        hold_reason,
        meter_decision_id,
        part_date as usage_date,
        strftime(part_date, '%Y-%m') as billing_period,
        false as is_estimate,
        true as is_interpolated,
        part_date < usage_date as is_still_open
    from shares
    where part_date >= coalesce(covered_from_date, part_date)
),

last_steps as (
    select
        contract_id,
        physical_asset_id,
        metric,
        max(time_zone) as time_zone,
        max(unit_code) as unit_code,
        max(counter_id) as counter_id,
        max(work_unit_id) as work_unit_id,
        max(site_id) as site_id,
        max(usage_date) as last_date,
        {% for part in evidence -%}
        max_by(closing_{{ part }}, closing_at) as last_{{ part }}{{ ',' if not loop.last }}
        {% endfor %}
    from read
    group by all
),

counted_in_month as (
    select
        contract_id,
        physical_asset_id,
        metric,
        billing_period,
        sum(quantity) as quantity
    from read
    group by all
),

-- An estimate stands on the month's last day for as long as nothing was read there or later: what the month has counted
-- by then is part of it, and the reading that arrives ends it.
open_estimates as (
    select
        last_steps.*,
        estimates.meter_decision_id,
        estimates.billing_period,
        cast(cast(estimates.billing_period || '-01' as date) + interval 1 month - interval 1 day as date) as usage_date,
        greatest(
            estimates.quantity - coalesce(counted_in_month.quantity, cast(0 as decimal(38, 9))), cast(0 as decimal(38, 9))
        ) as quantity
    from last_steps
    inner join estimates
        on
            last_steps.physical_asset_id = estimates.physical_asset_id
            and last_steps.metric = estimates.metric
            and last_steps.last_date
            < cast(cast(estimates.billing_period || '-01' as date) + interval 1 month - interval 1 day as date)
    left join counted_in_month
        on
            last_steps.contract_id = counted_in_month.contract_id
            and last_steps.physical_asset_id = counted_in_month.physical_asset_id
            and last_steps.metric = counted_in_month.metric
            and estimates.billing_period = counted_in_month.billing_period
),

-- Two declared values after the last reading carry the quantity, so that the line still follows from what it shows.
estimated as (
    select
        contract_id,
        time_zone,
        counter_id,
        physical_asset_id,
        work_unit_id,
        site_id,
        metric,
        unit_code,
        'replacement' as segment_kind,
        {% for side in ['opening', 'closing'] -%}
        {% for part in evidence -%}
        last_{{ part }} as {{ side }}_{{ part }},
        {% endfor -%}
        {% endfor -%}
        cast(quantity as decimal(38, 9)) as quantity,
        cast(null as decimal(38, 9)) as modulus,
        cast(last_reading + quantity as decimal(38, 9)) as old_final_value,
        last_reading as new_start_value,
        cast(null as varchar) as hold_reason,
        meter_decision_id,
        usage_date,
        billing_period,
        true as is_estimate,
        false as is_interpolated,
        false as is_still_open
    from open_estimates
),

final as (
    select {{ columns | join(', ') }} from read
    where not is_interpolated
    union all
    select {{ columns | join(', ') }} from interpolated
    union all
    select {{ columns | join(', ') }} from estimated
)

select * from final
