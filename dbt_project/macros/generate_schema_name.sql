{# A folder's schema is used as written: the warehouse address of a table is its name in the glossary. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
