-- Two values of one counter at the same instant: the first one told live is used, a person should look.
{{ config(severity='warn') }}

select
    work_unit_id,
    metric,
    event_at,
    count(*) as value_count
from {{ ref('int_uns__readings_contextualized') }}
where metric_role = 'counter'
group by all
having count(*) > 1
