with

source as (
    select * from {{ source('rating', 'invoice') }}
),

final as (
    select
        invoice_id,
        document_type,
        revision,
        status,
        contract_id,
        contract_version,
        physical_asset_id,
        billing_period,
        currency_code,
        cast(tax_exclusive_amount as decimal(18, 4)) as tax_exclusive_amount,
        cast(tax_amount as decimal(18, 4)) as tax_amount,
        cast(payable_amount as decimal(18, 4)) as payable_amount,
        invoice_number,
        preceding_invoice_number,
        issued_on,
        due_date,
        invoice_number is not null and status <> 'void' as is_numbered
    from source
)

select * from final
