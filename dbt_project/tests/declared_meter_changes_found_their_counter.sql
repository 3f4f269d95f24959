-- A declared replacement that no pair of readings encloses: a wrong asset, metric or unit, or a date nobody measured at.
{{ config(severity='warn') }}

with

declared as (
    select * from {{ ref('stg_uns__meter_changes') }}
),

steps as (
    select * from {{ ref('int_metering__counter_steps') }}
),

known as (
    select max(closing_at) as known_until_at
    from steps
)

select declared.event_id
from declared
cross join known
left join steps
    on
        coalesce(declared.physical_asset_id, declared.work_unit_id) = steps.counter_id
        and declared.metric = steps.metric
        and {{ same_unit('declared.unit_code', 'steps.unit_code') }}
        and steps.segment_kind = 'replacement'
        and declared.event_at > steps.opening_at
        and declared.event_at <= steps.closing_at
where declared.event_at <= known.known_until_at and steps.counter_id is null
