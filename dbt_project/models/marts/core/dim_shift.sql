with

shifts as (
    select * from {{ ref('stg_operations__shifts') }}
),

final as (
    select
        shift_id,
        site_id,
        name,
        iso_weekdays,
        start_local_time,
        end_local_time,
        break_start_local_time,
        break_end_local_time
    from shifts
)

select * from final
