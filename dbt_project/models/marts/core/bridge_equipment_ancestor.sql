with

equipment as (
    select * from {{ ref('stg_operations__equipment') }}
),

-- ISA-95 has five levels: nothing lies more than four steps below another.
steps_0 as (
    select
        equipment_id,
        equipment_id as ancestor_id
    from equipment
),

{% for step in range(1, 5) -%}
steps_{{ step }} as (
    select
        below.equipment_id,
        above.parent_equipment_id as ancestor_id
    from steps_{{ step - 1 }} as below
    inner join equipment as above on below.ancestor_id = above.equipment_id
    where above.parent_equipment_id is not null
),

{% endfor -%}
pairs as (
    {%- for step in range(5) %}
    select * from steps_{{ step }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        pairs.equipment_id,
        pairs.ancestor_id,
        ancestors.equipment_level as ancestor_level,
        ancestors.site_id as ancestor_site_id
    from pairs
    inner join equipment as ancestors on pairs.ancestor_id = ancestors.equipment_id
)

select * from final
