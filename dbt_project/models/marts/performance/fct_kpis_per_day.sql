with

elements as (
    select * from {{ ref('fct_performance_elements') }}
),

ancestors as (
    select * from {{ ref('bridge_equipment_ancestor') }}
),

sites as (
    select * from {{ ref('dim_site') }}
),

summed as (
    select
        ancestors.ancestor_id as equipment_id,
        ancestors.ancestor_level as equipment_level,
        ancestors.ancestor_site_id as site_id,
        elements.shift_date,
        {{ kpi_sums('elements') }}
    from elements
    inner join ancestors on elements.work_unit_id = ancestors.equipment_id
    group by all
),

rated as (
    select
        *,
        {{ kpi_ratios() }}
    from summed
),

counting_days as (
    select distinct
        work_unit_id,
        site_id,
        shift_date
    from elements
    where is_counting_items
),

-- All the time there is: the site's local day, of 23, 24 or 25 hours, for every unit that counts items.
unit_days as (
    select
        counting_days.work_unit_id,
        counting_days.shift_date,
        {{ seconds_between(
            utc_time('cast(counting_days.shift_date as timestamp)', 'sites.time_zone'),
            utc_time("cast(counting_days.shift_date as timestamp) + interval '1 day'", 'sites.time_zone'),
        ) }} as calendar_time_s
    from counting_days
    inner join sites on counting_days.site_id = sites.site_id
),

calendars as (
    select
        ancestors.ancestor_id as equipment_id,
        unit_days.shift_date,
        sum(unit_days.calendar_time_s) as calendar_time_s
    from unit_days
    inner join ancestors on unit_days.work_unit_id = ancestors.equipment_id
    group by all
),

final as (
    select
        rated.*,
        calendars.calendar_time_s,
        case when rated.produced_quantity > 0 then {{ ratio('rated.good_run_time_s', 'calendars.calendar_time_s') }} end as teep_ratio
    from rated
    left join calendars
        on rated.equipment_id = calendars.equipment_id and rated.shift_date = calendars.shift_date
)

select * from final
