with

source as (
    select * from {{ source('operations', 'meter_decision') }}
),

final as (
    select
        meter_decision_id,
        meter_id,
        decision,
        closing_at,
        billing_period,
        cast(quantity as decimal(38, 9)) as quantity,
        rule,
        reason,
        decided_by,
        decided_at
    from source
)

select * from final
