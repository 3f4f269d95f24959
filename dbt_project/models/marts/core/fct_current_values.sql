with

current_values as (
    select * from {{ ref('stg_uns__current_values') }}
),

mappings as (
    select * from {{ ref('stg_uns__metric_mappings') }}
),

named as (
    select
        current_values.*,
        mappings.work_unit_id,
        mappings.metric,
        mappings.unit_code,
        coalesce(mappings.factor, 1) as factor,
        coalesce(mappings.unit_offset, 0) as unit_offset
    from current_values
    left join mappings
        on
            current_values.site_id = mappings.site_id
            and current_values.edge_node_id = mappings.edge_node_id
            and current_values.device_id = mappings.device_id
            and current_values.metric_name = mappings.metric_name
            and coalesce(current_values.source_unit, '') = coalesce(mappings.source_unit, '')
),

final as (
    select
        site_id,
        edge_node_id,
        device_id,
        metric_name,
        work_unit_id,
        metric,
        -- Digit for digit where the unit is the plant's own; a converted value is exact in the facts that count.
        case when factor = 1 and unit_offset = 0 then value_decimal end as exact_value,
        value_double * cast(factor as double) + cast(unit_offset as double) as numeric_value,
        value_text as text_value,
        source_unit,
        unit_code,
        quality,
        event_at,
        received_at,
        stale_since_at is not null as is_stale,
        stale_since_at
    from named
)

select * from final
