with

source as (
    select * from {{ source('operations', 'meter_decision') }}
),

meters as (
    select * from {{ source('operations', 'meter') }}
),

-- The newest decision about a step or a month is in force; one that was withdrawn leaves none.
newest as (
    select * from source
    qualify
        row_number() over (partition by meter_id, closing_at, billing_period order by meter_decision_id desc) = 1
),

final as (
    select
        newest.meter_decision_id,
        newest.meter_id,
        meters.physical_asset_id,
        meters.metric,
        newest.decision,
        newest.closing_at,
        newest.billing_period,
        cast(newest.quantity as decimal(38, 9)) as quantity,
        newest.rule,
        newest.reason,
        newest.decided_by,
        newest.decided_at
    from newest
    inner join meters on newest.meter_id = meters.meter_id
    where newest.decision <> 'withdraw'
)

select * from final
