with

decisions as (
    select * from {{ ref('stg_operations__meter_decisions') }}
),

meters as (
    select * from {{ ref('stg_operations__meters') }}
),

-- The newest decision about a step or a month is in force; one that was withdrawn leaves none.
newest as (
    select *
    from decisions
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
        newest.quantity,
        newest.rule,
        newest.reason,
        newest.decided_by,
        newest.decided_at
    from newest
    inner join meters on newest.meter_id = meters.meter_id
    where newest.decision <> 'withdraw'
)

select * from final
