with

usage_days as (
    select distinct
        contract_id,
        physical_asset_id,
        usage_date,
        billing_period,
        period_start_at,
        period_end_at
    from {{ ref('int_metering__usage_chained') }}
),

assignments as (
    select * from {{ ref('stg_operations__asset_assignments') }}
),

uncovered as (
    select * from {{ ref('int_completeness__uncovered_intervals') }}
),

-- Where no work unit holds the machine, nobody could tell of it: only a stay can be covered.
stays as (
    select
        usage_days.*,
        assignments.work_unit_id,
        greatest(usage_days.period_start_at, assignments.assigned_from_at) as started_at,
        least(usage_days.period_end_at, coalesce(assignments.assigned_until_at, usage_days.period_end_at)) as ended_at
    from usage_days
    inner join assignments
        on
            usage_days.physical_asset_id = assignments.physical_asset_id
            and assignments.assigned_from_at < usage_days.period_end_at
            and (assignments.assigned_until_at is null or assignments.assigned_until_at > usage_days.period_start_at)
),

uncovered_times as (
    select
        stays.contract_id,
        stays.physical_asset_id,
        stays.usage_date,
        sum(
            {{ shared_seconds('stays.started_at', 'stays.ended_at', 'uncovered.started_at', 'uncovered.ended_at') }}
        ) as uncovered_s
    from stays
    inner join uncovered
        on
            stays.work_unit_id = uncovered.work_unit_id
            and uncovered.started_at < stays.ended_at
            and uncovered.ended_at > stays.started_at
    group by all
),

stayed as (
    select
        contract_id,
        physical_asset_id,
        usage_date,
        sum({{ seconds_between('started_at', 'ended_at') }}) as stayed_s
    from stays
    group by all
),

final as (
    select
        usage_days.contract_id,
        usage_days.physical_asset_id,
        usage_days.usage_date,
        usage_days.billing_period,
        {{ seconds_between('usage_days.period_start_at', 'usage_days.period_end_at') }} as period_s,
        cast(coalesce(stayed.stayed_s, 0) - coalesce(uncovered_times.uncovered_s, 0) as decimal(18, 6)) as covered_s
    from usage_days
    left join stayed
        on
            usage_days.contract_id = stayed.contract_id
            and usage_days.physical_asset_id = stayed.physical_asset_id
            and usage_days.usage_date = stayed.usage_date
    left join uncovered_times
        on
            usage_days.contract_id = uncovered_times.contract_id
            and usage_days.physical_asset_id = uncovered_times.physical_asset_id
            and usage_days.usage_date = uncovered_times.usage_date
)

select * from final
