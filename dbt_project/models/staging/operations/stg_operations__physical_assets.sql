with

source as (
    select * from {{ source('operations', 'physical_asset') }}
),

final as (
    select
        physical_asset_id,
        serial_number,
        equipment_class,
        model_name,
        manufacturer_party_id,
        cast(commissioned_date as date) as commissioned_date
    from source
)

select * from final
