with

devices as (
    select * from {{ ref('int_completeness__devices_heard') }}
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

final as (
    select
        work_units.work_unit_id,
        min(work_units.site_id) as site_id,
        min(devices.first_event_at) as first_event_at,
        max(devices.told_until_at) as told_until_at,
        min(devices.usual_step_s) as usual_step_s,
        max(case when devices.is_sequenced then 1 else 0 end) = 1 as is_sequenced
    from work_units
    inner join devices
        on
            work_units.site_id = devices.site_id
            and work_units.edge_node_id = devices.edge_node_id
            and work_units.device_id = devices.device_id
    group by all
)

select * from final
