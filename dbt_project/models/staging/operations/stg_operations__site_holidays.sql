with

source as (
    select * from {{ source('operations', 'site_holiday') }}
),

final as (
    select
        site_id,
        cast(holiday_date as date) as holiday_date,
        name
    from source
)

select * from final
