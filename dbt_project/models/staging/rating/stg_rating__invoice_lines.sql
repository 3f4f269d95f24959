with

source as (
    select * from {{ source('rating', 'invoice_line') }}
),

final as (
    select
        invoice_id,
        line_number,
        term_id,
        rule,
        description,
        metric,
        quantity,
        unit_code,
        unit_price,
        cast(line_extension_amount as decimal(18, 4)) as line_extension_amount,
        quantity_flag
    from source
)

select * from final
