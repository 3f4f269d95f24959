{# Values where engines differ, and the exact arithmetic of counters. #}

{#
  A text member of a JSON object; used in staging only. DuckDB writes a JSON number by its shortest form, so a number of
  up to fifteen digits keeps every one.
#}
{% macro json_text(document, member) %}{{ return(adapter.dispatch('json_text', 'lineshaft')(document, member)) }}{% endmacro %}
{% macro default__json_text(document, member) %}json_extract_string({{ document }}, '$.{{ member }}'){% endmacro %}
{% macro spark__json_text(document, member) %}get_json_object({{ document }}, '$.{{ member }}'){% endmacro %}

{# The last value that is not null, up to and including the current row of the window. #}
{% macro last_known(expression, over) %}{{ return(adapter.dispatch('last_known', 'lineshaft')(expression, over)) }}{% endmacro %}
{% macro default__last_known(expression, over) -%}
    last_value({{ expression }} ignore nulls) over ({{ over }} rows between unbounded preceding and current row)
{%- endmacro %}
{% macro spark__last_known(expression, over) -%}
    last_value({{ expression }}) ignore nulls over ({{ over }} rows between unbounded preceding and current row)
{%- endmacro %}

{# The first value that is not null after the current row of the window. #}
{% macro next_known(expression, over) %}{{ return(adapter.dispatch('next_known', 'lineshaft')(expression, over)) }}{% endmacro %}
{% macro default__next_known(expression, over) -%}
    first_value({{ expression }} ignore nulls) over ({{ over }} rows between 1 following and unbounded following)
{%- endmacro %}
{% macro spark__next_known(expression, over) -%}
    first_value({{ expression }}) ignore nulls over ({{ over }} rows between 1 following and unbounded following)
{%- endmacro %}

{#
  decimal(38, 9) times decimal(38, 18). The plain product would be decimal(38, 27) with room for eleven digits before the
  point, too few for a watt-hour counter; so the factor is taken in two parts: what nine digits after the point hold,
  and the rest.
#}
{% macro exact_product(value, factor) -%}
    (
        {{ value }} * cast({{ factor }} as decimal(28, 9))
        + cast({{ value }} * cast({{ factor }} - cast({{ factor }} as decimal(28, 9)) as decimal(20, 18)) as decimal(38, 18))
    )
{%- endmacro %}

{# A decimal as people write it: `7`, not `7.000000000`; the word that a state code is mapped by. #}
{% macro numeral(value) -%}
    regexp_replace(cast({{ value }} as varchar), '[.]?0+$', '')
{%- endmacro %}

{# Whether two unit codes mean the same unit: one (C62) and piece (H87) do, wherever things are counted. #}
{% macro same_unit(unit_code, other_unit_code) -%}
    ({{ unit_code }} = {{ other_unit_code }} or ({{ unit_code }} in ('C62', 'H87') and {{ other_unit_code }} in ('C62', 'H87')))
{%- endmacro %}

{#
  The part of a quantity that falls before `until_at` when it grew evenly from one time to another, cut down to whole
  parts of a unit: integers all the way, for a division would leave the decimals.
#}
{% macro whole_share(quantity, parts_of_a_unit, from_at, until_at, to_at) -%}
    {{ return(adapter.dispatch('whole_share', 'lineshaft')(quantity, parts_of_a_unit, from_at, until_at, to_at)) }}
{%- endmacro %}
{% macro default__whole_share(quantity, parts_of_a_unit, from_at, until_at, to_at) -%}
    cast(
        cast(
            cast(floor(cast({{ quantity }} as decimal(28, 9)) * {{ parts_of_a_unit }}) as hugeint)
            * date_diff('microsecond', {{ from_at }}, {{ until_at }}) // date_diff('microsecond', {{ from_at }}, {{ to_at }})
            * (10000 // {{ parts_of_a_unit }}) as decimal(33, 0)
        ) * cast(0.0001 as decimal(5, 4)) as decimal(38, 9)
    )
{%- endmacro %}
{% macro spark__whole_share(quantity, parts_of_a_unit, from_at, until_at, to_at) -%}
    cast(
        cast(
            (
                cast(floor(cast({{ quantity }} as decimal(28, 9)) * {{ parts_of_a_unit }}) as decimal(20, 0))
                * cast(timestampdiff(microsecond, {{ from_at }}, {{ until_at }}) as decimal(17, 0))
            ) div timestampdiff(microsecond, {{ from_at }}, {{ to_at }})
            * (10000 div {{ parts_of_a_unit }}) as decimal(33, 0)
        ) * cast(0.0001 as decimal(5, 4)) as decimal(38, 9)
    )
{%- endmacro %}
