{#
  Fails with every group whose quantity differs from the same group's quantity in another model: what is divided adds up
  to the whole, exactly. Groups that only one side knows fail too.
#}
{% test sums_to(model, column_name, other_model, other_column, group_by) %}
with

parts as (
    select
        {{ group_by | join(', ') }},
        sum({{ column_name }}) as quantity
    from {{ model }}
    group by all
),

whole as (
    select
        {{ group_by | join(', ') }},
        sum({{ other_column }}) as quantity
    from {{ other_model }}
    group by all
),

signed as (
    select {{ group_by | join(', ') }}, quantity from parts
    union all
    select {{ group_by | join(', ') }}, -quantity as quantity from whole
)

select
    {{ group_by | join(', ') }},
    sum(quantity) as difference
from signed
group by all
having sum(quantity) <> 0
{% endtest %}
