-- Every second observed is either lost to one step of the waterfall or spent on good items.
with

steps as (
    select
        equipment_id,
        shift_date,
        sum(duration_s) as steps_s
    from {{ ref('fct_oee_losses_per_day') }}
    group by all
),

observed as (
    select
        ancestors.ancestor_id as equipment_id,
        elements.shift_date,
        coalesce(sum(elements.observed_s), 0) as observed_s
    from {{ ref('fct_performance_elements') }} as elements
    inner join {{ ref('bridge_equipment_ancestor') }} as ancestors on elements.work_unit_id = ancestors.equipment_id
    where elements.is_counting_items
    group by all
)

select *
from steps
full join observed using (equipment_id, shift_date)
where abs(coalesce(steps_s, -1) - coalesce(observed_s, -1)) > 0.001
