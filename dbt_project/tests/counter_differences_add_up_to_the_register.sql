-- What a counter was billed for is what its register shows: last less first reading, plus the range of each rollover,
-- plus what each declared replacement hid, plus the height of each held drop.
with

steps as (
    select * from {{ ref('int_metering__counter_steps') }}
),

totals as (
    select
        counter_id,
        metric,
        sum(quantity) as counted,
        max_by(closing_reading, closing_at) - min_by(opening_reading, opening_at) as moved,
        coalesce(sum(modulus), 0) as rolled_over,
        coalesce(sum(old_final_value - new_start_value), 0) as replaced,
        coalesce(sum(opening_reading - closing_reading) filter (where segment_kind = 'held'), 0) as held
    from steps
    group by all
)

select *
from totals
where counted <> moved + rolled_over + replaced + held
