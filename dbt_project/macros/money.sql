{# Money where engines differ: exact shares of an amount, in whole minor units. #}

{#
  The share part / whole of an amount, rounded half away from zero at the currency's minor unit. `part` and `whole` are
  whole numbers, `whole` above 0. Integers only: no engine divides decimals exactly. Shares of cumulative parts, each less
  the one before, add up to the amount.
#}
{% macro share_of_amount(amount, minor_unit_digits, part, whole) -%}
    case {{ minor_unit_digits }}
        {% for digits in range(5) -%}
        when {{ digits }} then {{ signed_share(amount, digits, part, whole) }}
        {% endfor -%}
    end
{%- endmacro %}

{% macro signed_share(amount, digits, part, whole) -%}
    {%- set minor = "cast(abs(" ~ amount ~ ") * " ~ 10 ** digits ~ " as " ~ whole_number() ~ ")" -%}
    cast(
        sign({{ amount }}) * cast({{ whole_quotient("2 * " ~ minor ~ " * " ~ part ~ " + " ~ whole, "2 * " ~ whole) }} as decimal(18, 0))
        * cast({{ "0." ~ "0" * (digits - 1) ~ "1" if digits else "1" }} as decimal(5, 4)) as decimal(18, 4)
    )
{%- endmacro %}

{# The widest whole number of the engine. #}
{% macro whole_number() %}{{ return(adapter.dispatch('whole_number', 'lineshaft')()) }}{% endmacro %}
{% macro default__whole_number() %}hugeint{% endmacro %}
{% macro spark__whole_number() %}decimal(38, 0){% endmacro %}

{# The whole part of a quotient of whole numbers, neither below 0. #}
{% macro whole_quotient(dividend, divisor) %}{{ return(adapter.dispatch('whole_quotient', 'lineshaft')(dividend, divisor)) }}{% endmacro %}
{% macro default__whole_quotient(dividend, divisor) %}(({{ dividend }}) // ({{ divisor }})){% endmacro %}
{% macro spark__whole_quotient(dividend, divisor) %}(({{ dividend }}) div ({{ divisor }})){% endmacro %}
