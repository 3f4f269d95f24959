with

pieces as (
    select * from {{ ref('int_completeness__outages_filled') }}
    where not is_filled
),

heard as (
    select * from {{ ref('int_completeness__work_units_heard') }}
),

work_units as (
    select distinct
        site_id,
        edge_node_id,
        device_id,
        work_unit_id
    from {{ ref('stg_uns__metric_mappings') }}
    where work_unit_id is not null
),

by_work_unit as (
    select
        work_units.work_unit_id,
        work_units.site_id,
        pieces.started_at,
        pieces.ended_at
    from pieces
    inner join work_units
        on
            pieces.site_id = work_units.site_id
            and pieces.edge_node_id = work_units.edge_node_id
            and pieces.device_id = work_units.device_id
),

-- Before anything was ever heard of a work unit, and after the newest that was, nothing is known of it.
unheard as (
    select
        work_unit_id,
        site_id,
        cast('1970-01-01' as timestamp) as started_at,
        first_event_at as ended_at
    from heard
    union all
    select
        work_unit_id,
        site_id,
        told_until_at,
        cast('9999-12-31' as timestamp)
    from heard
),

unknown as (
    select * from by_work_unit
    union all
    select * from unheard
),

{{ merged_intervals('unknown') }},

final as (
    select
        work_unit_id,
        site_id,
        started_at,
        ended_at
    from merged
)

select * from final
