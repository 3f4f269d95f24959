{# Fails where a period does not open with the value its predecessor closed with: nothing falls between two periods. #}
{% test conserved_quantity(model, partition_by, order_by, opening, closing) %}
with

chained as (
    select
        {{ partition_by | join(', ') }},
        {{ order_by }} as chained_by,
        {{ opening }} as opening,
        lag({{ closing }}) over (partition by {{ partition_by | join(', ') }} order by {{ order_by }}) as previous_closing
    from {{ model }}
)

select *
from chained
where previous_closing is not null and previous_closing is distinct from opening
{% endtest %}
