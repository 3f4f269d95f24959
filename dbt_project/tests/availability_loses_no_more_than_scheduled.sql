-- Nobody can lose more of a machine's time than was scheduled.
select *
from {{ ref('fct_availability_per_month') }}
where supplier_down_s + operator_down_s + planned_down_s > scheduled_s
