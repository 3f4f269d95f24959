with

steps as (
    select * from {{ ref('int_metering__counter_steps') }}
    where metric = 'energy'
),

sites as (
    select * from {{ ref('dim_site') }}
),

-- A reading at midnight closes the day that ends.
dated as (
    select
        steps.*,
        cast({{ local_time('steps.closing_at - interval 1 microsecond', 'sites.time_zone') }} as date) as energy_date
    from steps
    inner join sites on steps.site_id = sites.site_id
),

final as (
    select
        work_unit_id,
        physical_asset_id,
        site_id,
        energy_date,
        sum(quantity) as energy_kwh,
        min(opening_at) as opening_at,
        min_by(opening_reading, opening_at) as opening_reading,
        max(closing_at) as closing_at,
        max_by(closing_reading, closing_at) as closing_reading,
        count(*) as step_count,
        count(*) filter (where segment_kind = 'held') as held_count
    from dated
    group by all
)

select * from final
