with

source as (
    select * from {{ source('operations', 'process_segment') }}
),

final as (
    select
        process_segment_id,
        material_id,
        equipment_class,
        cast(planned_run_time_per_item_s as decimal(38, 9)) as planned_run_time_per_item_s
    from source
)

select * from final
