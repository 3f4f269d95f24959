with

test_results as (
    select * from {{ ref('stg_uns__test_results') }}
    qualify row_number() over (partition by test_result_id order by event_at desc, received_at desc, event_id) = 1
),

materials as (
    select * from {{ ref('dim_material') }}
),

final as (
    select
        test_results.test_result_id,
        test_results.site_id,
        test_results.event_at as tested_at,
        test_results.material_lot_id,
        test_results.material_id,
        materials.supplier_party_id,
        test_results.work_order_id,
        test_results.work_unit_id,
        test_results.characteristic,
        test_results.measured_value,
        test_results.unit_code,
        test_results.lower_limit,
        test_results.upper_limit,
        test_results.result,
        test_results.result = 'pass' as is_pass,
        test_results.inspected_quantity,
        test_results.rejected_quantity
    from test_results
    left join materials on test_results.material_id = materials.material_id
)

select * from final
