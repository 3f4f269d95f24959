with

documents as (
    select * from {{ ref('stg_rating__invoices') }}
    where is_numbered
),

document_lines as (
    select * from {{ ref('stg_rating__invoice_lines') }}
),

rated_lines as (
    select * from {{ ref('stg_rating__rated_lines') }}
),

-- An invoice is in force until a credit note names it.
in_force as (
    select
        invoices.contract_id,
        invoices.physical_asset_id,
        invoices.billing_period,
        max(invoices.invoice_id) as invoice_id,
        max(invoices.invoice_number) as invoice_number,
        max(invoices.issued_on) as issued_on
    from documents as invoices
    left join documents as notes
        on notes.document_type = 'credit_note' and invoices.invoice_number = notes.preceding_invoice_number
    where invoices.document_type = 'invoice' and notes.invoice_id is null
    group by all
),

invoiced as (
    select
        documents.contract_id,
        documents.physical_asset_id,
        documents.billing_period,
        document_lines.term_id,
        documents.currency_code,
        min(document_lines.rule) as rule,
        min(document_lines.metric) as metric,
        coalesce(
            sum(document_lines.line_extension_amount) filter (where documents.document_type = 'invoice'), 0
        ) as billed_amount,
        coalesce(
            sum(document_lines.line_extension_amount) filter (where documents.document_type = 'credit_note'), 0
        ) as credited_amount
    from documents
    inner join document_lines on documents.invoice_id = document_lines.invoice_id
    group by all
),

rated as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        term_id,
        currency_code,
        min(rule) as rule,
        min(metric) as metric,
        sum(line_amount) as rated_amount,
        max(quantity_flag) as quantity_flag,
        max(hold_reason) as hold_reason
    from rated_lines
    group by all
),

paired as (
    select
        coalesce(rated.contract_id, invoiced.contract_id) as contract_id,
        coalesce(rated.physical_asset_id, invoiced.physical_asset_id) as physical_asset_id,
        coalesce(rated.billing_period, invoiced.billing_period) as billing_period,
        coalesce(rated.term_id, invoiced.term_id) as term_id,
        coalesce(rated.currency_code, invoiced.currency_code) as currency_code,
        coalesce(rated.rule, invoiced.rule) as rule,
        coalesce(rated.metric, invoiced.metric) as metric,
        coalesce(invoiced.billed_amount, 0) as billed_amount,
        coalesce(invoiced.credited_amount, 0) as credited_amount,
        rated.rated_amount,
        rated.quantity_flag,
        rated.hold_reason
    from rated
    full outer join invoiced
        on
            rated.contract_id = invoiced.contract_id
            and rated.physical_asset_id = invoiced.physical_asset_id
            and rated.billing_period = invoiced.billing_period
            and rated.term_id = invoiced.term_id
            and rated.currency_code = invoiced.currency_code
),

final as (
    select
        paired.contract_id,
        paired.physical_asset_id,
        paired.billing_period,
        paired.term_id,
        paired.currency_code,
        paired.rule,
        paired.metric,
        in_force.invoice_id,
        in_force.invoice_number,
        in_force.issued_on,
        cast(paired.billed_amount as decimal(18, 4)) as billed_amount,
        cast(paired.credited_amount as decimal(18, 4)) as credited_amount,
        cast(paired.rated_amount as decimal(18, 4)) as rated_amount,
        cast(
            case when in_force.invoice_id is null then coalesce(paired.rated_amount, 0) else 0 end as decimal(18, 4)
        ) as unbilled_amount,
        -- a term that is no longer rated at all differs by all that was billed of it
        cast(
            case
                when in_force.invoice_id is not null
                    then coalesce(paired.rated_amount, 0) - (paired.billed_amount - paired.credited_amount)
                else 0
            end as decimal(18, 4)
        ) as correction_amount,
        paired.quantity_flag,
        paired.hold_reason
    from paired
    left join in_force
        on
            paired.contract_id = in_force.contract_id
            and paired.physical_asset_id = in_force.physical_asset_id
            and paired.billing_period = in_force.billing_period
)

select * from final
