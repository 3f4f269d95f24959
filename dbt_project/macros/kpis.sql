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

{# One exact sum by another, as a double; null where the second is zero. #}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0)
{%- endmacro %}

{# The indicators over the columns of kpi_sums. Goes into a select list. #}
{% macro kpi_ratios() -%}
    {%- set busy = '(actual_production_time_s + actual_unit_setup_time_s + actual_unit_delay_time_s)' -%}
    {%- set processing = '(actual_production_time_s + actual_unit_setup_time_s)' -%}
    {{ ratio('actual_production_time_s', 'planned_busy_time_s') }} as availability_ratio,
        case when produced_quantity > 0 then {{ ratio('planned_run_time_s', 'counting_production_time_s') }} end as effectiveness_ratio,
        {{ ratio('good_quantity', 'produced_quantity') }} as quality_ratio,
        case when produced_quantity > 0 then {{ ratio('good_run_time_s', 'counting_planned_busy_time_s') }} end as oee_ratio,
        case
            when produced_quantity > 0
                then
                    {{ ratio('counting_production_time_s + counting_setup_time_s', 'counting_planned_busy_time_s') }}
                    * {{ ratio('good_run_time_s', 'counting_production_time_s') }}
        end as net_equipment_effectiveness_ratio,
        {{ ratio(busy, 'planned_busy_time_s') }} as allocation_efficiency_ratio,
        {{ ratio('actual_production_time_s', 'actual_production_time_s + actual_unit_delay_time_s') }} as technical_efficiency_ratio,
        {{ ratio('actual_production_time_s', busy) }} as utilisation_efficiency_ratio,
        {{ ratio('actual_unit_setup_time_s', processing) }} as setup_ratio,
        {{ ratio('scrap_quantity', 'produced_quantity') }} as scrap_ratio,
        planned_run_time_s > cast(counting_production_time_s as double) as is_effectiveness_above_one,
        unplanned_item_quantity > 0 as is_plan_missing,
        {{ ratio('greatest(observed_s - uncovered_s, 0)', 'observed_s') }} as completeness_ratio,
        {{ ratio('greatest(observed_s - uncovered_s, 0)', 'observed_s') }} >= {{ var('completeness_threshold') }} as is_complete
{%- endmacro %}
