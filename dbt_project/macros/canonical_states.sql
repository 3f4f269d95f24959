{# The states every site's words are translated to; a word that is already one of them needs no mapping. #}
{% macro canonical_states() -%}
    ('executing', 'setup', 'held', 'idle', 'aborted', 'stopped', 'maintenance', 'off')
{%- endmacro %}
