with

terms as (
    select * from {{ ref('int_revenue__terms_valued') }}
),

periods as (
    select
        *,
        case when is_period_over then period_end_at else period_start_at end as known_since_at
    from {{ ref('stg_rating__rated_periods') }}
),

rated_lines as (
    select * from {{ ref('stg_rating__rated_lines') }}
),

drafts as (
    select * from {{ ref('stg_rating__invoices') }}
    where not is_numbered and status <> 'void'
),

in_force as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        max(invoice_id) as invoice_id,
        max(invoice_number) as invoice_number,
        sum(correction_amount) as correction_amount,
        bool_or(correction_amount <> 0) as is_different
    from terms
    group by all
),

open_periods as (
    select
        periods.*,
        drafts.invoice_id as draft_id
    from periods
    left join in_force
        on
            periods.contract_id = in_force.contract_id
            and periods.physical_asset_id = in_force.physical_asset_id
            and periods.billing_period = in_force.billing_period
    left join drafts
        on
            periods.contract_id = drafts.contract_id
            and periods.physical_asset_id = drafts.physical_asset_id
            and periods.billing_period = drafts.billing_period
    where in_force.invoice_id is null
),

term_lines as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        term_id,
        min(rule) as rule,
        min(metric) as metric,
        sum(line_amount) as line_amount,
        max(quantity_flag) as quantity_flag,
        max(hold_reason) as hold_reason
    from rated_lines
    group by all
),

open_terms as (
    select
        periods.*,
        term_lines.term_id,
        term_lines.rule,
        term_lines.line_amount,
        term_lines.quantity_flag,
        term_lines.hold_reason as term_hold_reason
    from open_periods as periods
    inner join term_lines
        on
            periods.contract_id = term_lines.contract_id
            and periods.physical_asset_id = term_lines.physical_asset_id
            and periods.billing_period = term_lines.billing_period
),

held as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        term_id,
        currency_code,
        case when quantity_flag = 'held' then 'held_usage' else 'missing_readings' end as exception_kind,
        term_hold_reason as reason,
        known_since_at as since_at,
        -- nothing of the asset's month can be billed while one of its terms waits
        rated_amount as amount_at_stake,
        case
            when quantity_flag = 'held' then 'Declare the meter change, or correct the readings.'
            else 'Let the edge node send what it kept, or settle the reading with the customer.'
        end as what_to_do
    from open_terms
    where term_hold_reason is not null
),

estimated as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        term_id,
        currency_code,
        'estimated_quantity' as exception_kind,
        'the reading at an end of the period was estimated' as reason,
        known_since_at as since_at,
        line_amount as amount_at_stake,
        'Bill it as estimated, or wait for the reading; what comes later is corrected.' as what_to_do
    from open_terms
    where quantity_flag in ('estimated', 'substituted') and is_period_over
),

exposed as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        term_id,
        currency_code,
        'availability_exposure' as exception_kind,
        'supplier downtime has cost more than the guarantee allows' as reason,
        period_start_at as since_at,
        -line_amount as amount_at_stake,
        'Look at who answers for each stop before the credit is billed.' as what_to_do
    from open_terms
    where rule = 'availability_guarantee' and line_amount < 0
),

incomplete as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        '' as term_id,
        currency_code,
        case waiting_kind when 'below_completeness' then 'completeness_below_threshold' else 'not_collected' end as exception_kind,
        waiting_reason as reason,
        period_end_at as since_at,
        rated_amount as amount_at_stake,
        'Let the edge node send what it kept, then build again.' as what_to_do
    from open_periods
    where waiting_kind is not null and is_period_over
),

not_issued as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        '' as term_id,
        currency_code,
        case when draft_id is null then 'not_drafted' else 'draft_not_issued' end as exception_kind,
        case
            when draft_id is null then 'the period is over and ready, and has no draft'
            else 'the draft ' || draft_id || ' is ready and not issued'
        end as reason,
        period_end_at as since_at,
        rated_amount as amount_at_stake,
        case
            when draft_id is null then 'lineshaft invoice draft ' || billing_period
            else 'lineshaft invoice issue ' || billing_period
        end as what_to_do
    from open_periods
    where is_period_over and waiting_kind is null and hold_reason is null
),

different as (
    select
        in_force.contract_id,
        in_force.physical_asset_id,
        in_force.billing_period,
        '' as term_id,
        periods.currency_code,
        'issued_differs' as exception_kind,
        in_force.invoice_number || ' was issued otherwise than the period is rated today' as reason,
        periods.period_end_at as since_at,
        in_force.correction_amount as amount_at_stake,
        'See what differs by lineshaft invoice draft ' || in_force.billing_period || ', then credit it and bill it again.' as what_to_do
    from in_force
    inner join periods
        on
            in_force.contract_id = periods.contract_id
            and in_force.physical_asset_id = periods.physical_asset_id
            and in_force.billing_period = periods.billing_period
    where in_force.invoice_id is not null and in_force.is_different
),

united as (
    select * from held
    union all
    select * from estimated
    union all
    select * from exposed
    union all
    select * from incomplete
    union all
    select * from not_issued
    union all
    select * from different
),

final as (
    select
        contract_id || '.' || physical_asset_id || '.' || billing_period || '.' || exception_kind || '.' || term_id as revenue_exception_id,
        contract_id,
        physical_asset_id,
        billing_period,
        nullif(term_id, '') as term_id,
        exception_kind,
        reason,
        since_at,
        cast(amount_at_stake as decimal(18, 4)) as amount_at_stake,
        currency_code,
        what_to_do
    from united
)

select * from final
