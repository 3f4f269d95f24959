with

pieces as (
    select * from {{ ref('int_completeness__outages_filled') }}
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

{{ merged_intervals('by_work_unit') }},

final as (
    select
        work_unit_id,
        site_id,
        started_at,
        ended_at
    from merged
)

select * from final
