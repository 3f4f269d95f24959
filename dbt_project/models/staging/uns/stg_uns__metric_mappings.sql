with

source as (
    select * from {{ source('raw', 'metric_mapping') }}
),

final as (
    select
        site_id,
        edge_node_id,
        device_id,
        metric_name,
        source_unit,
        work_unit_id,
        metric,
        metric_role,
        coalesce(state_map, '') as state_map,
        unit_code,
        cast(factor as decimal(38, 18)) as factor,
        cast(unit_offset as decimal(38, 18)) as unit_offset
    from source
)

select * from final
