{# Time where engines differ. Every timestamp column is UTC without a zone; local time appears only inside these. #}

{# The local wall clock of a UTC timestamp in an IANA zone. #}
{% macro local_time(at, zone) %}{{ return(adapter.dispatch('local_time', 'lineshaft')(at, zone)) }}{% endmacro %}
{% macro default__local_time(at, zone) %}timezone({{ zone }}, timezone('UTC', {{ at }})){% endmacro %}
{% macro spark__local_time(at, zone) %}from_utc_timestamp({{ at }}, {{ zone }}){% endmacro %}

{#
  The UTC timestamp of a local wall clock. A time the clocks skip moves forward by what they skip; of a time that comes
  twice it is the first, as in models.timeline: in Cuba and on the Azores that is a midnight, in Cuba even a month's, and
  on Lord Howe Island the clocks go back by half an hour. DuckDB alone would take the second.
#}
{% macro utc_time(local_at, zone) %}{{ return(adapter.dispatch('utc_time', 'lineshaft')(local_at, zone)) }}{% endmacro %}
{% macro default__utc_time(local_at, zone) -%}
    {%- set last = "timezone('UTC', timezone(" ~ zone ~ ", " ~ local_at ~ "))" -%}
    {%- set earlier = last ~ " - interval 6 hour" -%}
    {#- the same wall clock by the offset of six hours before: a time of its own only where it comes twice -#}
    {%- set first = local_at ~ " - (timezone(" ~ zone ~ ", timezone('UTC', " ~ earlier ~ ")) - (" ~ earlier ~ "))" -%}
    case when timezone({{ zone }}, timezone('UTC', {{ first }})) = {{ local_at }} then {{ first }} else {{ last }} end
{%- endmacro %}
{% macro spark__utc_time(local_at, zone) %}to_utc_timestamp({{ local_at }}, {{ zone }}){% endmacro %}

{# The UTC timestamp of a text in ISO 8601, with Z or an offset. #}
{% macro utc_from_text(text) %}{{ return(adapter.dispatch('utc_from_text', 'lineshaft')(text)) }}{% endmacro %}
{% macro default__utc_from_text(text) %}timezone('UTC', try_cast({{ text }} as timestamptz)){% endmacro %}
{% macro spark__utc_from_text(text) %}try_cast({{ text }} as timestamp){% endmacro %}

{# Seconds since 1970, for slopes and ages; never for what is billed. #}
{% macro epoch_seconds(at) %}{{ return(adapter.dispatch('epoch_seconds', 'lineshaft')(at)) }}{% endmacro %}
{% macro default__epoch_seconds(at) %}epoch({{ at }}){% endmacro %}
{% macro spark__epoch_seconds(at) %}cast({{ at }} as double){% endmacro %}

{# Exact seconds between two timestamps, to the microsecond. #}
{% macro seconds_between(from_at, until_at) %}{{ return(adapter.dispatch('seconds_between', 'lineshaft')(from_at, until_at)) }}{% endmacro %}
{% macro default__seconds_between(from_at, until_at) -%}
    cast(cast(date_diff('microsecond', {{ from_at }}, {{ until_at }}) as decimal(18, 0)) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6))
{%- endmacro %}
{% macro spark__seconds_between(from_at, until_at) -%}
    cast(cast(timestampdiff(microsecond, {{ from_at }}, {{ until_at }}) as decimal(18, 0)) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6))
{%- endmacro %}

{# Rows of a table function: one date per day from first to last, both included. #}
{% macro day_series(first_date, last_date) %}{{ return(adapter.dispatch('day_series', 'lineshaft')(first_date, last_date)) }}{% endmacro %}
{% macro default__day_series(first_date, last_date) -%}
    cast(unnest(generate_series(cast({{ first_date }} as timestamp), cast({{ last_date }} as timestamp), interval 1 day)) as date)
{%- endmacro %}
{% macro spark__day_series(first_date, last_date) %}explode(sequence({{ first_date }}, {{ last_date }})){% endmacro %}

{# The seconds that two half-open intervals share; only for intervals known to overlap. #}
{% macro shared_seconds(from_at, until_at, other_from_at, other_until_at) -%}
    {{ seconds_between('greatest(' ~ from_at ~ ', ' ~ other_from_at ~ ')', 'least(' ~ until_at ~ ', ' ~ other_until_at ~ ')') }}
{%- endmacro %}
