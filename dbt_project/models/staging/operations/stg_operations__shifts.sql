with

source as (
    select * from {{ source('operations', 'shift') }}
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
    from source
)

select * from final
