with

terms as (
    select * from {{ ref('fct_revenue_per_term') }}
),

periods as (
    select * from {{ ref('stg_rating__rated_periods') }}
),

rates as (
    select
        *,
        lead(valid_from_date) over (partition by site_id, currency_code order by valid_from_date) as next_from_date
    from {{ ref('stg_rating__cost_rates') }}
),

energy as (
    select * from {{ ref('fct_energy_per_day') }}
    where physical_asset_id is not null
),

orders as (
    select * from {{ ref('fct_maintenance_orders') }}
    where actual_end_at is not null
),

revenue as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        currency_code,
        cast(sum(recognized_amount) as decimal(18, 4)) as recognized_amount
    from terms
    group by all
),

-- A day whose price is not known makes the month's cost unknown: a sum over the days that are known would look complete.
energy_of_month as (
    select
        periods.contract_id,
        periods.physical_asset_id,
        periods.billing_period,
        cast(sum(energy.energy_kwh) as decimal(38, 9)) as energy_kwh,
        case
            when count(*) = count(rates.energy_price_per_kwh)
                then sum(cast(energy.energy_kwh as decimal(18, 6)) * rates.energy_price_per_kwh)
        end as energy_cost_amount
    from periods
    inner join energy
        on
            periods.physical_asset_id = energy.physical_asset_id
            and periods.first_date <= energy.energy_date
            and periods.following_date > energy.energy_date
    left join rates
        on
            energy.site_id = rates.site_id
            and periods.currency_code = rates.currency_code
            and energy.energy_date >= rates.valid_from_date
            and (rates.next_from_date is null or energy.energy_date < rates.next_from_date)
    group by all
),

service_of_month as (
    select
        periods.contract_id,
        periods.physical_asset_id,
        periods.billing_period,
        count(*) as maintenance_order_count,
        cast(sum(orders.duration_s) as decimal(18, 6)) as service_s,
        case
            when count(*) = count(rates.service_price_per_hour) and count(*) = count(orders.duration_s)
                then sum(orders.duration_s * rates.service_price_per_hour)
        end as service_price_seconds
    from periods
    inner join orders
        on
            periods.physical_asset_id = orders.physical_asset_id
            and periods.period_start_at <= orders.actual_end_at
            and periods.period_end_at > orders.actual_end_at
    left join rates
        on
            orders.site_id = rates.site_id
            and periods.currency_code = rates.currency_code
            and cast({{ local_time('orders.actual_end_at', 'periods.time_zone') }} as date) >= rates.valid_from_date
            and (
                rates.next_from_date is null
                or cast({{ local_time('orders.actual_end_at', 'periods.time_zone') }} as date) < rates.next_from_date
            )
    group by all
),

costed as (
    select
        revenue.*,
        energy.energy_kwh,
        cast(energy.energy_cost_amount as decimal(18, 4)) as energy_cost_amount,
        service.maintenance_order_count,
        service.service_s,
        -- rounded down to a hundredth of a hundredth: a cost estimate, never billed
        cast(
            cast({{ whole_quotient('cast(service.service_price_seconds * 10000 as ' ~ whole_number() ~ ')', '3600') }} as decimal(18, 0))
            * cast(0.0001 as decimal(5, 4)) as decimal(18, 4)
        ) as service_cost_amount
    from revenue
    left join energy_of_month as energy
        on
            revenue.contract_id = energy.contract_id
            and revenue.physical_asset_id = energy.physical_asset_id
            and revenue.billing_period = energy.billing_period
    left join service_of_month as service
        on
            revenue.contract_id = service.contract_id
            and revenue.physical_asset_id = service.physical_asset_id
            and revenue.billing_period = service.billing_period
),

final as (
    select
        contract_id,
        physical_asset_id,
        billing_period,
        currency_code,
        recognized_amount,
        energy_kwh,
        energy_cost_amount,
        coalesce(maintenance_order_count, 0) as maintenance_order_count,
        service_s,
        -- no order ended: nothing was spent on service, and that is known
        case when maintenance_order_count is null then cast(0 as decimal(18, 4)) else service_cost_amount end as service_cost_amount,
        cast(
            recognized_amount - energy_cost_amount
            - case when maintenance_order_count is null then 0 else service_cost_amount end as decimal(18, 4)
        ) as margin_amount
    from costed
)

select * from final
