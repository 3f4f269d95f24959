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

-- A counter belongs to the machine that carries it. Of two values at one instant the one told live, then first, counts.
counter_readings as (
    select
        readings.*,
        assignments.physical_asset_id,
        coalesce(assignments.physical_asset_id, readings.work_unit_id) as counter_id
    from readings
    left join assignments
        on
            readings.work_unit_id = assignments.work_unit_id
            and readings.event_at >= assignments.assigned_from_at
            and (assignments.assigned_until_at is null or readings.event_at < assignments.assigned_until_at)
    where readings.exact_value is not null
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
        meters.modulus as meter_modulus,
        placed_changes.old_final_value as declared_old_final_value,
        placed_changes.new_start_value as declared_new_start_value,
        case
            when
                placed_changes.change_count = 1
                and placed_changes.old_final_value >= paired.opening_reading
                and paired.closing_reading >= placed_changes.new_start_value
                and (
                    paired.closing_reading < paired.opening_reading
                    or not coalesce(paired.opening_reading < paired.reading_before_opening, false)
                )
                then 'replacement'
            -- declared after the new counter had already spoken: the drop before is held, this is a plain increase
            when
                placed_changes.change_count = 1
                and paired.closing_reading >= paired.opening_reading
                and paired.opening_reading < paired.reading_before_opening
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
        end as segment_kind
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
    where paired.opening_at is not null
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
        case segment_kind
            when 'increase' then closing_reading - opening_reading
            when 'rollover' then cast(closing_reading + meter_modulus - opening_reading as decimal(38, 9))
            when 'replacement'
                then cast(
                    declared_old_final_value - opening_reading + closing_reading - declared_new_start_value as decimal(38, 9)
                )
            else cast(0 as decimal(38, 9))
        end as quantity,
        case when segment_kind = 'rollover' then meter_modulus end as modulus,
        case when segment_kind = 'replacement' then declared_old_final_value end as old_final_value,
        case when segment_kind = 'replacement' then declared_new_start_value end as new_start_value
    from judged
)

select * from final
