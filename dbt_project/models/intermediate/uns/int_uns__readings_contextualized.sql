with

readings as (
    select * from {{ ref('stg_uns__readings') }}
),

mappings as (
    select * from {{ ref('stg_uns__metric_mappings') }}
    where work_unit_id is not null and metric is not null and metric_role <> 'unmapped'
),

mapped as (
    select
        mappings.work_unit_id,
        mappings.metric,
        mappings.metric_role,
        mappings.state_map,
        mappings.unit_code,
        mappings.factor,
        mappings.unit_offset,
        readings.*,
        case
            when mappings.metric_role in ('state', 'context')
                then
                    coalesce(
                        readings.value_text,
                        {{ numeral('coalesce(readings.value_decimal, try_cast(readings.value_double as decimal(38, 9)))') }},
                        ''
                    )
        end as text_value,
        case
            when mappings.metric_role = 'counter'
                then
                    coalesce(
                        readings.value_decimal,
                        -- more digits than the column holds: rounded once, and not by way of a double
                        try_cast(readings.value_text as decimal(38, 9)),
                        try_cast(readings.value_double as decimal(38, 9))
                    )
        end as counted
    from readings
    inner join mappings
        on
            readings.site_id = mappings.site_id
            and readings.edge_node_id = mappings.edge_node_id
            and readings.device_id = mappings.device_id
            and readings.metric_name = mappings.metric_name
            and coalesce(readings.source_unit, '') = coalesce(mappings.source_unit, '')
),

converted as (
    select
        work_unit_id,
        metric,
        metric_role,
        state_map,
        event_at,
        site_id,
        unit_code,
        case
            when metric_role = 'counter' and factor = 1 and unit_offset = 0 then counted
            when metric_role = 'counter'
                then cast({{ exact_product('counted', 'factor') }} + unit_offset as decimal(38, 9))
        end as exact_value,
        case
            when metric_role not in ('state', 'context') and isfinite(value_double)
                then value_double * cast(factor as double) + cast(unit_offset as double)
        end as value,
        text_value,
        received_at,
        is_historical,
        message_id,
        metric_index,
        landed_file,
        file_row
    from mapped
),

-- A value told live and again from a buffer, or on two topics, is one value: the live one speaks.
final as (
    select *
    from converted
    where text_value is not null or exact_value is not null or value is not null
    qualify
        row_number() over (
            partition by work_unit_id, metric, event_at, coalesce(text_value, cast(exact_value as varchar), cast(value as varchar))
            order by is_historical, received_at, message_id, metric_index
        ) = 1
)

select * from final
