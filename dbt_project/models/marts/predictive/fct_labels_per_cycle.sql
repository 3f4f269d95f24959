with

cycles as (
    select distinct
        physical_asset_id,
        history_number,
        cycle,
        as_of_at
    from {{ ref('int_predictive__sensor_cycles') }}
),

histories as (
    select * from {{ ref('int_predictive__asset_histories') }}
),

assets as (
    select * from {{ ref('dim_physical_asset') }}
),

final as (
    select
        cycles.physical_asset_id,
        assets.equipment_class,
        cycles.history_number,
        cycles.cycle,
        cycles.as_of_at,
        case
            when histories.is_ended_by_failure
                then cast(
                    max(cycles.cycle) over (partition by cycles.physical_asset_id, cycles.history_number) - cycles.cycle as double
                )
        end as remaining_life_cycles,
        not histories.is_ended_by_failure as is_censored
    from cycles
    inner join histories
        on
            cycles.physical_asset_id = histories.physical_asset_id
            and cycles.history_number = histories.history_number
    inner join assets on cycles.physical_asset_id = assets.physical_asset_id
)

select * from final
