{#- The counter fell to the opening reading, and neither its range nor a declared change says why. -#}
{%- set unexplained_drop -%}
    (
                        paired.opening_reading < paired.reading_before_opening
                        and changes_before.change_count is null
                        and not coalesce(
                            paired.reading_before_opening <= meters.modulus
                            and paired.opening_reading + meters.modulus - paired.reading_before_opening
                            < paired.reading_before_opening - paired.opening_reading,
                            false
                        )
                    )
{%- endset -%}

with

readings as (
    select * from {{ ref('int_uns__readings_contextualized') }}
    where metric_role = 'counter'
),

assignments as (
    select * from {{ ref('stg_operations__asset_assignments') }}
),

meters as (
    select * from {{ ref('stg_operations__meters') }}
),

declared_changes as (
    select * from {{ ref('stg_uns__meter_changes') }}
),

decisions as (
    select * from {{ ref('int_metering__decisions_placed') }}
    where closing_at is not null
),

-- A counter belongs to the machine that carries it. The same value told twice counts once; of two different ones at one
-- instant the one told live, then first, stands in the chain, and the step that it closes is held.
counter_readings as (
    select
        readings.*,
        assignments.physical_asset_id,
        coalesce(assignments.physical_asset_id, readings.work_unit_id) as counter_id,
        min(readings.exact_value) over same_instant <> max(readings.exact_value) over same_instant as is_contradicted
    from readings
    left join assignments
        on
            readings.work_unit_id = assignments.work_unit_id
            and readings.event_at >= assignments.assigned_from_at
            and (assignments.assigned_until_at is null or readings.event_at < assignments.assigned_until_at)
    where readings.exact_value is not null
    window same_instant as (
        partition by coalesce(assignments.physical_asset_id, readings.work_unit_id), readings.metric, readings.event_at
    )
    qualify
        row_number() over (
            partition by
                coalesce(assignments.physical_asset_id, readings.work_unit_id), readings.metric, readings.event_at
            order by readings.is_historical, readings.received_at, readings.message_id, readings.metric_index
        ) = 1
),

paired as (
    select
        counter_id,
        physical_asset_id,
        work_unit_id,
        site_id,
        metric,
        unit_code,
        event_at as closing_at,
        exact_value as closing_reading,
        is_contradicted,
        message_id as closing_message_id,
        metric_index as closing_metric_index,
        landed_file as closing_landed_file,
        file_row as closing_file_row,
        lag(event_at) over counter_in_time as opening_at,
        lag(exact_value) over counter_in_time as opening_reading,
        lag(exact_value, 2) over counter_in_time as reading_before_opening,
        lag(message_id) over counter_in_time as opening_message_id,
        lag(metric_index) over counter_in_time as opening_metric_index,
        lag(landed_file) over counter_in_time as opening_landed_file,
        lag(file_row) over counter_in_time as opening_file_row
    from counter_readings
    window counter_in_time as (partition by counter_id, metric order by event_at)
),

-- A replacement lies between two readings: the first one at or after it comes from the new counter.
placed_changes as (
    select
        paired.counter_id,
        paired.metric,
        paired.closing_at,
        min(declared_changes.old_final_value) as old_final_value,
        min(declared_changes.new_start_value) as new_start_value,
        count(*) as change_count
    from declared_changes
    inner join paired
        on
            coalesce(declared_changes.physical_asset_id, declared_changes.work_unit_id) = paired.counter_id
            and declared_changes.metric = paired.metric
            and {{ same_unit('declared_changes.unit_code', 'paired.unit_code') }}
            and declared_changes.event_at > paired.opening_at
            and declared_changes.event_at <= paired.closing_at
    group by all
),

judged as (
    select
        paired.*,
        meters.maximum_rate_per_hour,
        meters.modulus as meter_modulus,
        placed_changes.old_final_value as declared_old_final_value,
        placed_changes.new_start_value as declared_new_start_value,
        case
            when paired.is_contradicted then 'held'
            when
                placed_changes.change_count = 1
                and placed_changes.old_final_value >= paired.opening_reading
                and paired.closing_reading >= placed_changes.new_start_value
                and (
                    paired.closing_reading < paired.opening_reading
                    or not coalesce({{ unexplained_drop }}, false)
                )
                then 'replacement'
            -- declared after the new counter had already spoken: the drop before is held, this is a plain increase
            when
                placed_changes.change_count = 1
                and paired.closing_reading >= paired.opening_reading
                and {{ unexplained_drop }}
                then 'increase'
            -- two replacements, or one that its readings contradict, prove nothing
            when placed_changes.change_count is not null then 'held'
            when paired.closing_reading >= paired.opening_reading then 'increase'
            -- half the range or more in one step is a lost count, not a rollover: what it would have counted must be less
            -- than what it fell by (the same, without a division, which would leave the decimals)
            when
                paired.opening_reading <= meters.modulus
                and paired.closing_reading + meters.modulus - paired.opening_reading
                < paired.opening_reading - paired.closing_reading
                then 'rollover'
            else 'held'
        end as kind_read,
        placed_changes.change_count
    from paired
    left join meters
        on
            paired.physical_asset_id = meters.physical_asset_id
            and paired.metric = meters.metric
            and {{ same_unit('paired.unit_code', 'meters.unit_code') }}
    left join placed_changes
        on
            paired.counter_id = placed_changes.counter_id
            and paired.metric = placed_changes.metric
            and paired.closing_at = placed_changes.closing_at
    left join placed_changes as changes_before
        on
            paired.counter_id = changes_before.counter_id
            and paired.metric = changes_before.metric
            and paired.opening_at = changes_before.closing_at
    where paired.opening_at is not null
),

counted as (
    select
        *,
        case kind_read
            when 'increase' then closing_reading - opening_reading
            when 'rollover' then cast(closing_reading + meter_modulus - opening_reading as decimal(38, 9))
            when 'replacement'
                then cast(
                    declared_old_final_value - opening_reading + closing_reading - declared_new_start_value as decimal(38, 9)
                )
            else cast(0 as decimal(38, 9))
        end as quantity_read,
        greatest({{ seconds_between('opening_at', 'closing_at') }}, 3600) as longest_s
    from judged
),

-- More than a counter can count is no quantity. A step shorter than an hour may hold what an hour may: counts come in bursts.
-- The product only judges, so it may be binary: it is never part of a quantity.
checked as (
    select
        *,
        case
            when is_contradicted then 'contradicting_values'
            when kind_read = 'held' and change_count is not null then 'contradicted_change'
            when kind_read = 'held' then 'undeclared_drop'
            when cast(quantity_read as double) * 3600 > cast(maximum_rate_per_hour as double) * cast(longest_s as double)
                then 'implausible_step'
        end as hold_reason
    from counted
),

-- A person's decision ends a hold and nothing else: where later readings or a declared change explain the step, they count.
-- Its quantity is written as two declared values, so that the readings and they alone prove it.
decided as (
    select
        checked.*,
        decisions.meter_decision_id,
        case
            when decisions.decision = 'substitute' then checked.opening_reading + decisions.quantity
            when decisions.decision = 'release' then checked.closing_reading
        end as decided_old_final_value
    from checked
    left join decisions
        on
            checked.hold_reason is not null
            and checked.physical_asset_id = decisions.physical_asset_id
            and checked.metric = decisions.metric
            and checked.closing_at = decisions.closing_at
            and (decisions.decision = 'substitute' or checked.closing_reading >= checked.opening_reading)
),

resolved as (
    select
        *,
        case
            when meter_decision_id is not null then 'replacement'
            when hold_reason is not null then 'held'
            else kind_read
        end as segment_kind
    from decided
),

final as (
    select
        counter_id,
        physical_asset_id,
        work_unit_id,
        site_id,
        metric,
        unit_code,
        segment_kind,
        {% for side in ['opening', 'closing'] -%}
        {{ side }}_at,
        {{ side }}_reading,
        {{ side }}_message_id,
        {{ side }}_metric_index,
        {{ side }}_landed_file,
        {{ side }}_file_row,
        {% endfor -%}
        case
            when meter_decision_id is not null then cast(decided_old_final_value - opening_reading as decimal(38, 9))
            when segment_kind = 'held' then cast(0 as decimal(38, 9))
            else quantity_read
        end as quantity,
        case when segment_kind = 'rollover' then meter_modulus end as modulus,
        case
            when segment_kind = 'replacement'
                then cast(coalesce(decided_old_final_value, declared_old_final_value) as decimal(38, 9))
        end as old_final_value,
        case
            when meter_decision_id is not null then closing_reading
            when segment_kind = 'replacement' then declared_new_start_value
        end as new_start_value,
        hold_reason,
        meter_decision_id
    from resolved
)

select * from final
