{%- set last_instant = "ended_at - interval 1 microsecond" -%}
{%- set known_month = "date_trunc('month', " ~ local_time('known_from_at', 'time_zone') ~ ")" -%}
{%- set last_known_month = "date_trunc('month', " ~ local_time('known_until_at - interval 1 microsecond', 'time_zone') ~ ")" -%}
{%- set last_month = "date_trunc('month', " ~ local_time(last_instant, 'time_zone') ~ ")" -%}

with

coverage as (
    select * from {{ ref('int_metering__contract_coverage') }}
),

assignments as (
    select * from {{ ref('bridge_asset_assignment') }}
),

equipment as (
    select * from {{ ref('dim_equipment') }}
),

segments as (
    select * from {{ ref('int_production__calendar_segments') }}
    where shift_instance_id is not null and not is_break
),

states as (
    select * from {{ ref('fct_equipment_states') }}
),

uncovered as (
    select * from {{ ref('int_completeness__uncovered_intervals') }}
),

known as (
    select
        work_unit_id,
        min(started_at) as known_from_at,
        max(ended_at) as known_until_at
    from states
    group by all
),

stays as (
    select
        coverage.contract_id,
        coverage.time_zone,
        assignments.physical_asset_id,
        assignments.work_unit_id,
        equipment.site_id,
        known.known_from_at,
        known.known_until_at,
        greatest(coverage.covered_from_at, assignments.assigned_from_at) as from_at,
        least(coverage.covered_until_at, assignments.assigned_until_at) as until_at
    from coverage
    inner join assignments on coverage.physical_asset_id = assignments.physical_asset_id
    inner join equipment on assignments.work_unit_id = equipment.equipment_id
    inner join known on assignments.work_unit_id = known.work_unit_id
),

-- A month's schedule is counted whole, for the months in which the unit spoke.
scheduled_months as (
    select
        *,
        {{ utc_time(known_month, 'time_zone') }} as first_month_at,
        {{ utc_time(last_known_month ~ ' + interval 1 month', 'time_zone') }} as after_months_at
    from stays
),

scheduled as (
    select
        stays.contract_id,
        stays.time_zone,
        stays.physical_asset_id,
        stays.work_unit_id,
        'scheduled' as time_kind,
        greatest(segments.started_at, stays.from_at, stays.first_month_at) as started_at,
        least(segments.ended_at, stays.until_at, stays.after_months_at) as ended_at
    from scheduled_months as stays
    inner join segments
        on
            stays.site_id = segments.site_id
            and segments.ended_at > greatest(stays.from_at, stays.first_month_at)
            and segments.started_at < least(stays.until_at, stays.after_months_at)
),

lost as (
    select
        stays.contract_id,
        stays.time_zone,
        stays.physical_asset_id,
        case
            when states.time_category = 'planned_down' then 'planned_down'
            when states.attribution = 'supplier' then 'supplier_down'
            when states.attribution = 'operator' then 'operator_down'
            when states.attribution = 'planned' then 'planned_down'
            else 'unattributed'
        end as time_kind,
        greatest(states.started_at, stays.from_at) as started_at,
        least(states.ended_at, stays.until_at) as ended_at
    from stays
    inner join states
        on
            stays.work_unit_id = states.work_unit_id
            and states.shift_id is not null
            and not states.is_break
            and states.time_category in ('down', 'planned_down')
            and states.ended_at > stays.from_at
            and (stays.until_at is null or states.started_at < stays.until_at)
),

-- A silence is carried on as the state before it, so it loses nobody anything: it is counted beside what was lost.
uncovered_pieces as (
    select
        scheduled.contract_id,
        scheduled.time_zone,
        scheduled.physical_asset_id,
        'uncovered' as time_kind,
        greatest(scheduled.started_at, uncovered.started_at) as started_at,
        least(scheduled.ended_at, uncovered.ended_at) as ended_at
    from scheduled
    inner join uncovered
        on
            scheduled.work_unit_id = uncovered.work_unit_id
            and uncovered.started_at < scheduled.ended_at
            and uncovered.ended_at > scheduled.started_at
),

pieces as (
    select
        contract_id,
        time_zone,
        physical_asset_id,
        time_kind,
        started_at,
        ended_at
    from scheduled
    union all
    select * from lost
    union all
    select * from uncovered_pieces
),

-- A piece across the end of a month is cut there: pieces are shorter than a day, so they meet two months at most.
dated as (
    select
        *,
        cast(date_trunc('month', {{ local_time('started_at', 'time_zone') }}) as date) as first_month,
        {{ utc_time(last_month, 'time_zone') }} as last_month_at,
        cast({{ last_month }} as date) as last_month
    from pieces
),

cut as (
    select
        contract_id,
        physical_asset_id,
        time_kind,
        first_month as month_date,
        started_at,
        case when first_month = last_month then ended_at else last_month_at end as ended_at
    from dated
    union all
    select
        contract_id,
        physical_asset_id,
        time_kind,
        last_month,
        last_month_at,
        ended_at
    from dated
    where first_month <> last_month
),

summed as (
    select
        contract_id,
        physical_asset_id,
        strftime(month_date, '%Y-%m') as billing_period,
        {% for kind in ['scheduled', 'supplier_down', 'operator_down', 'planned_down', 'uncovered'] -%}
        cast(
            coalesce(
                sum({{ seconds_between('started_at', 'ended_at') }}) filter (where time_kind = '{{ kind }}'), 0
            ) as decimal(18, 6)
        ) as {{ kind }}_s{{ ',' if not loop.last }}
        {% endfor %}
    from cut
    group by all
),

final as (
    select
        *,
        cast(1 as double) - cast(uncovered_s as double) / nullif(cast(scheduled_s as double), 0) as completeness_ratio,
        cast(1 as double) - cast(uncovered_s as double) / nullif(cast(scheduled_s as double), 0)
        >= {{ var('completeness_threshold') }} as is_complete
    from summed
)

select * from final
