with

source as (
    select * from {{ source('raw', 'event') }}
),

first_of_each as (
    select
        event_id,
        event_type,
        site_id,
        event_at,
        received_at,
        message_id,
        payload
    from source
    qualify row_number() over (partition by site_id, event_type, event_id order by received_at, message_id) = 1
),

final as (
    select * from first_of_each
)

select * from final
