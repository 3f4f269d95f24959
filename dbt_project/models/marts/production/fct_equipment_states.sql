with

parts as (
    select * from {{ ref('int_production__state_intervals_split') }}
),

final as (
    select
        work_unit_id,
        started_at,
        ended_at,
        duration_s,
        state,
        time_category,
        attribution,
        site_id,
        physical_asset_id,
        work_order_id,
        shift_id,
        shift_date,
        is_break,
        state_interval_id,
        is_open
    from parts
)

select * from final
