with

orders as (
    select * from {{ ref('stg_uns__customer_orders') }}
    qualify row_number() over (partition by customer_order_id order by event_at desc, received_at desc, event_id) = 1
),

work_orders as (
    select
        customer_order_id,
        count(*) as work_order_count,
        sum(good_quantity) as produced_good_quantity,
        bool_or(work_order_status <> 'released') as is_started,
        bool_and(work_order_status in ('completed', 'aborted')) as is_over
    from {{ ref('fct_work_orders') }}
    where customer_order_id is not null
    group by all
),

shipments as (
    select
        customer_order_id,
        sum(moved_quantity) as shipped_quantity,
        max(moved_at) as last_shipped_at
    from {{ ref('fct_lot_movements') }}
    where movement = 'shipped' and customer_order_id is not null
    group by all
),

final as (
    select
        orders.customer_order_id,
        orders.site_id,
        orders.party_id,
        orders.material_id,
        orders.event_at as ordered_at,
        orders.ordered_quantity,
        orders.unit_code,
        orders.promised_date,
        coalesce(work_orders.work_order_count, 0) as work_order_count,
        coalesce(work_orders.produced_good_quantity, cast(0 as decimal(38, 9))) as produced_good_quantity,
        coalesce(shipments.shipped_quantity, cast(0 as decimal(38, 9))) as shipped_quantity,
        shipments.last_shipped_at,
        case
            when shipments.shipped_quantity >= orders.ordered_quantity then 'shipped'
            when work_orders.is_over and shipments.shipped_quantity >= work_orders.produced_good_quantity then 'shipped_short'
            when work_orders.is_started then 'in_production'
            else 'open'
        end as customer_order_status
    from orders
    left join work_orders on orders.customer_order_id = work_orders.customer_order_id
    left join shipments on orders.customer_order_id = shipments.customer_order_id
)

select * from final
