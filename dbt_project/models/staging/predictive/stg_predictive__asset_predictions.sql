with

source as (
    select * from {{ source('predictive', 'asset_prediction') }}
),

final as (
    select
        physical_asset_id,
        equipment_class,
        as_of_at,
        cast(cycle as integer) as cycle,
        cast(remaining_life_cycles as double) as remaining_life_cycles,
        cast(lower_cycles as double) as lower_cycles,
        cast(upper_cycles as double) as upper_cycles,
        cast(health_score as double) as health_score,
        is_at_risk,
        rung,
        model_sha256,
        input_flags
    from source
)

select * from final
