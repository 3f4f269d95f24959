with

movements as (
    select * from {{ ref('stg_uns__lot_movements') }}
),

final as (
    select
        site_id || '/' || event_id as lot_movement_id,
        site_id,
        event_at as moved_at,
        material_lot_id,
        material_id,
        movement,
        quantity as moved_quantity,
        unit_code,
        party_id,
        work_order_id,
        customer_order_id
    from movements
)

select * from final
