with

elements as (
    select * from {{ ref('fct_performance_elements') }}
),

ancestors as (
    select * from {{ ref('bridge_equipment_ancestor') }}
    where ancestor_level <> 'enterprise'
),

summed as (
    select
        ancestors.ancestor_id as equipment_id,
        ancestors.ancestor_level as equipment_level,
        ancestors.ancestor_site_id as site_id,
        elements.shift_id,
        elements.shift_date,
        {{ kpi_sums('elements') }}
    from elements
    inner join ancestors on elements.work_unit_id = ancestors.equipment_id
    group by all
),

final as (
    select
        *,
        {{ kpi_ratios() }}
    from summed
)

select * from final
