with

predictions as (
    select * from {{ ref('stg_predictive__asset_predictions') }}
),

final as (
    select
        physical_asset_id,
        equipment_class,
        as_of_at,
        cycle,
        remaining_life_cycles,
        lower_cycles,
        upper_cycles,
        health_score,
        is_at_risk,
        rung,
        model_sha256,
        input_flags
    from predictions
    qualify row_number() over (partition by physical_asset_id order by as_of_at desc, model_sha256) = 1
)

select * from final
