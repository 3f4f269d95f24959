with

released as (
    select * from {{ ref('stg_uns__work_orders') }}
    qualify row_number() over (partition by work_order_id order by event_at desc, received_at desc, event_id) = 1
),

responses as (
    select * from {{ ref('stg_uns__work_responses') }}
),

counts as (
    select
        work_order_id,
        sum(good_quantity) as good_quantity
    from {{ ref('fct_production_counts') }}
    where work_order_id is not null
    group by all
),

site_horizons as (
    select
        site_id,
        max(event_at) as known_until_at
    from {{ ref('stg_uns__events') }}
    group by all
),

-- Reports arrive in any order; an order that is over stays over.
reported as (
    select
        work_order_id,
        min(actual_start_at) as actual_start_at,
        max(actual_end_at) as actual_end_at,
        case
            when bool_or(status = 'aborted') then 'aborted'
            when bool_or(status = 'completed') then 'completed'
            else 'started'
        end as work_order_status,
        max_by(good_quantity, event_at) as good_quantity,
        max_by(scrap_quantity, event_at) as scrap_quantity
    from responses
    group by all
),

final as (
    select
        released.work_order_id,
        released.customer_order_id,
        released.material_id,
        released.site_id,
        released.work_unit_id,
        released.planned_quantity,
        released.unit_code,
        released.planned_start_at,
        released.planned_end_at,
        reported.actual_start_at,
        reported.actual_end_at,
        coalesce(reported.work_order_status, 'released') as work_order_status,
        reported.good_quantity,
        reported.scrap_quantity,
        counts.good_quantity as counted_good_quantity,
        coalesce(reported.actual_end_at, site_horizons.known_until_at) > released.planned_end_at as is_late
    from released
    left join reported on released.work_order_id = reported.work_order_id
    left join counts on released.work_order_id = counts.work_order_id
    left join site_horizons on released.site_id = site_horizons.site_id
)

select * from final
