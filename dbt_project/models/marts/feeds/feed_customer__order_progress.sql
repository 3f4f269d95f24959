with

customer_orders as (
    select * from {{ ref('fct_customer_orders') }}
),

final as (
    select
        party_id,
        customer_order_id,
        material_id,
        site_id,
        ordered_at,
        ordered_quantity,
        unit_code,
        promised_date,
        produced_good_quantity,
        shipped_quantity,
        case
            when ordered_quantity > 0
                then least(cast(produced_good_quantity as double) / cast(ordered_quantity as double), 1.0e0)
        end as progress_ratio,
        last_shipped_at,
        customer_order_status
    from customer_orders
)

select * from final
