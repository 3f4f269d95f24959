{#
  The key performance indicators of ISO 22400-2 over any set of performance elements, as ratios of sums.

  Effectiveness, quality and all that hold them ask only units that count items: time of others says nothing of items.
#}

{# What adds up: `elements` names the rows of fct_performance_elements. Goes into a select list of a grouped query. #}
{% macro kpi_sums(elements) -%}
    sum({{ elements }}.observed_s) as observed_s,
        sum({{ elements }}.uncovered_s) as uncovered_s,
        sum({{ elements }}.planned_downtime_s) as planned_downtime_s,
        sum({{ elements }}.planned_busy_time_s) as planned_busy_time_s,
        sum({{ elements }}.actual_production_time_s) as actual_production_time_s,
        sum({{ elements }}.actual_unit_setup_time_s) as actual_unit_setup_time_s,
        sum({{ elements }}.actual_unit_delay_time_s) as actual_unit_delay_time_s,
        sum({{ elements }}.actual_unit_down_time_s) as actual_unit_down_time_s,
        sum({{ elements }}.planned_busy_time_s) filter (where {{ elements }}.is_counting_items) as counting_planned_busy_time_s,
        sum({{ elements }}.actual_production_time_s) filter (where {{ elements }}.is_counting_items) as counting_production_time_s,
        sum({{ elements }}.actual_unit_setup_time_s) filter (where {{ elements }}.is_counting_items) as counting_setup_time_s,
        sum({{ elements }}.planned_run_time_s) as planned_run_time_s,
        sum({{ elements }}.good_run_time_s) as good_run_time_s,
        sum({{ elements }}.produced_quantity) as produced_quantity,
        sum({{ elements }}.good_quantity) as good_quantity,
        sum({{ elements }}.scrap_quantity) as scrap_quantity,
        sum({{ elements }}.unplanned_item_quantity) as unplanned_item_quantity
{%- endmacro %}

{# The indicators over the columns of kpi_sums. Goes into a select list. #}
{% macro kpi_ratios() -%}
    {%- set busy = '(actual_production_time_s + actual_unit_setup_time_s + actual_unit_delay_time_s)' -%}
    {%- set processing = '(actual_production_time_s + actual_unit_setup_time_s)' -%}
    actual_production_time_s / nullif(planned_busy_time_s, 0) as availability_ratio,
        case when produced_quantity > 0 then planned_run_time_s / nullif(counting_production_time_s, 0) end as effectiveness_ratio,
        cast(good_quantity as double) / nullif(cast(produced_quantity as double), 0) as quality_ratio,
        case when produced_quantity > 0 then good_run_time_s / nullif(counting_planned_busy_time_s, 0) end as oee_ratio,
        case
            when produced_quantity > 0
                then
                    (counting_production_time_s + counting_setup_time_s) / nullif(counting_planned_busy_time_s, 0)
                    * good_run_time_s / nullif(counting_production_time_s, 0)
        end as net_equipment_effectiveness_ratio,
        {{ busy }} / nullif(planned_busy_time_s, 0) as allocation_efficiency_ratio,
        actual_production_time_s / nullif(actual_production_time_s + actual_unit_delay_time_s, 0) as technical_efficiency_ratio,
        actual_production_time_s / nullif({{ busy }}, 0) as utilisation_efficiency_ratio,
        actual_unit_setup_time_s / nullif({{ processing }}, 0) as setup_ratio,
        cast(scrap_quantity as double) / nullif(cast(produced_quantity as double), 0) as scrap_ratio,
        planned_run_time_s > counting_production_time_s as is_effectiveness_above_one,
        unplanned_item_quantity > 0 as is_plan_missing,
        greatest(observed_s - uncovered_s, 0) / nullif(observed_s, 0) as completeness_ratio,
        greatest(observed_s - uncovered_s, 0) / nullif(observed_s, 0) >= {{ var('completeness_threshold') }} as is_complete
{%- endmacro %}
