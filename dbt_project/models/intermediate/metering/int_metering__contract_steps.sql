with

steps as (
    select * from {{ ref('int_metering__counter_steps') }}
),

coverage as (
    select * from {{ ref('int_metering__contract_coverage') }}
),

covered as (
    select
        coverage.contract_id,
        coverage.time_zone,
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

final as (
    select
        *,
        strftime(usage_date, '%Y-%m') as billing_period
    from dated
)

select * from final
