-- Marts key these by the id alone: two sites that use one id would hide each other. An id carries its site, or a prefix.
with

identified as (
    select site_id, 'work_order' as kind, work_order_id as id from {{ ref('stg_uns__work_orders') }}
    union all
    select site_id, 'test_result' as kind, test_result_id as id from {{ ref('stg_uns__test_results') }}
    union all
    select site_id, 'failure' as kind, failure_id as id from {{ ref('stg_uns__equipment_failures') }}
    union all
    select site_id, 'maintenance_order' as kind, maintenance_order_id as id from {{ ref('stg_uns__maintenance_orders') }}
)

select
    kind,
    id
from identified
group by kind, id
having count(distinct site_id) > 1
