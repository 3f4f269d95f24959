with

movements as (
    select * from {{ ref('fct_lot_movements') }}
    where movement = 'received'
),

test_results as (
    select * from {{ ref('fct_test_results') }}
),

materials as (
    select * from {{ ref('dim_material') }}
),

received as (
    select
        site_id,
        material_lot_id,
        material_id,
        max_by(party_id, moved_at) as received_from_party_id,
        min(moved_at) as received_at,
        sum(moved_quantity) as received_quantity,
        max(unit_code) as unit_code
    from movements
    group by all
),

inspected as (
    select
        site_id,
        material_lot_id,
        count(*) as test_count,
        count(*) filter (where not is_pass) as failed_test_count,
        sum(inspected_quantity) as inspected_quantity,
        sum(rejected_quantity) as rejected_quantity,
        max(tested_at) as last_tested_at
    from test_results
    group by all
),

final as (
    select
        coalesce(received.received_from_party_id, materials.supplier_party_id) as party_id,
        received.material_id,
        received.site_id,
        received.material_lot_id,
        received.received_at,
        received.received_quantity,
        received.unit_code,
        coalesce(inspected.test_count, 0) as test_count,
        coalesce(inspected.failed_test_count, 0) as failed_test_count,
        coalesce(inspected.inspected_quantity, cast(0 as decimal(38, 9))) as inspected_quantity,
        coalesce(inspected.rejected_quantity, cast(0 as decimal(38, 9))) as rejected_quantity,
        cast(inspected.rejected_quantity as double) / nullif(cast(inspected.inspected_quantity as double), 0) as rejection_ratio,
        inspected.last_tested_at
    from received
    left join inspected
        on received.site_id = inspected.site_id and received.material_lot_id = inspected.material_lot_id
    left join materials on received.material_id = materials.material_id
    -- a row without a partner is nobody's to see
    where coalesce(received.received_from_party_id, materials.supplier_party_id) is not null
)

select * from final
