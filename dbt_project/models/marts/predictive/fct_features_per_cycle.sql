{%- set history = 'partition by physical_asset_id, history_number, metric order by cycle' -%}

with

cycles as (
    select * from {{ ref('int_predictive__sensor_cycles') }}
),

assets as (
    select * from {{ ref('dim_physical_asset') }}
),

numbered as (
    select
        *,
        row_number() over ({{ history }}) as row_in_history
    from cycles
),

windowed as (
    select
        *,
        {% for size in [5, 10, 20, 40] -%}
        avg(value) over ({{ history }} rows between {{ size - 1 }} preceding and current row) as mean_{{ size }},
        {% endfor -%}
        {% for size in [10, 20, 40, 80] -%}
        regr_slope(value, cycle) over ({{ history }} rows between {{ size - 1 }} preceding and current row) as slope_{{ size }},
        {% endfor -%}
        avg(value) filter (where row_in_history <= {{ var('baseline_cycles') }}) over (
            {{ history }} rows between unbounded preceding and current row
        ) as baseline
    from numbered
),

-- The change over a window: its slope times its rows. Two points make a line of any two errors, so it needs three.
final as (
    select
        windowed.physical_asset_id,
        assets.equipment_class,
        windowed.history_number,
        windowed.cycle,
        windowed.as_of_at,
        windowed.metric,
        windowed.value,
        {% for size in [5, 10, 20, 40] -%}
        windowed.mean_{{ size }},
        {% endfor -%}
        {% for size in [10, 20, 40, 80] -%}
        case
            when windowed.row_in_history < 3 then cast(0 as double)
            else windowed.slope_{{ size }} * least(windowed.row_in_history, {{ size }})
        end as slope_{{ size }},
        {% endfor -%}
        windowed.mean_10 - windowed.baseline as baseline_difference
    from windowed
    inner join assets on windowed.physical_asset_id = assets.physical_asset_id
)

select * from final
