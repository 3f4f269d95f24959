with

intervals as (
    select * from {{ ref('int_production__state_intervals') }}
),

horizon as (
    select
        cast(date_trunc('month', min(started_at) - interval 1 day) as date) as first_date,
        cast(date_trunc('month', max(ended_at) + interval 1 day) + interval 1 month - interval 1 day as date) as last_date
    from intervals
    having min(started_at) is not null
),

dates as (
    select {{ day_series('first_date', 'last_date') }} as date_day
    from horizon
),

final as (
    select
        date_day,
        cast(extract('year' from date_day) as integer) as year_number,
        cast(extract('quarter' from date_day) as integer) as quarter_number,
        cast(extract('month' from date_day) as integer) as month_number,
        strftime(date_day, '%Y-%m') as year_month,
        strftime(date_day, '%G-W%V') as iso_week,
        cast(extract('isodow' from date_day) as integer) as iso_weekday,
        extract('isodow' from date_day) >= 6 as is_weekend
    from dates
)

select * from final
