with

readings as (
    select * from {{ ref('int_uns__readings_contextualized') }}
),

state_words as (
    select * from {{ ref('stg_uns__state_mappings') }}
),

categories as (
    select * from {{ ref('stg_operations__state_categories') }}
),

assignments as (
    select * from {{ ref('stg_operations__asset_assignments') }}
),

responses as (
    select * from {{ ref('stg_uns__work_responses') }}
),

spans as (
    select
        work_unit_id,
        min(site_id) as site_id,
        max(event_at) as last_reading_at
    from readings
    group by all
),

-- Two words at the same instant: the one that was told live, then the one told last, is where the unit went.
told_states as (
    select
        readings.work_unit_id,
        readings.event_at,
        coalesce(
            state_words.state,
            case when lower(readings.text_value) in {{ canonical_states() }} then lower(readings.text_value) end,
            'unmapped'
        ) as state
    from readings
    left join state_words
        on
            readings.site_id = state_words.site_id
            and readings.text_value = state_words.local_state
            and coalesce(readings.state_map, '') = coalesce(state_words.state_map, '')
    where readings.metric_role = 'state' and readings.text_value <> ''
    qualify
        row_number() over (
            partition by readings.work_unit_id, readings.event_at
            order by readings.is_historical, readings.received_at desc, readings.metric_index desc, readings.message_id
        ) = 1
),

state_changes as (
    select *
    from told_states
    qualify state is distinct from lag(state) over (partition by work_unit_id order by event_at)
),

told_orders as (
    select
        work_unit_id,
        event_at,
        text_value as work_order_id
    from readings
    where metric_role = 'context' and metric = 'work_order'
    qualify
        row_number() over (
            partition by work_unit_id, event_at
            order by is_historical, received_at desc, metric_index desc, message_id
        ) = 1
),

-- Where a unit does not name its order itself, the reports of the execution system do.
reported_orders as (
    select
        work_unit_id,
        work_order_id,
        max(actual_start_at) as started_at,
        max(actual_end_at) as ended_at
    from responses
    where work_unit_id not in (select told_orders.work_unit_id from told_orders)
    group by all
),

order_changes as (
    select * from told_orders
    union all
    select work_unit_id, started_at as event_at, work_order_id from reported_orders where started_at is not null
    union all
    select work_unit_id, ended_at as event_at, '' as work_order_id from reported_orders where ended_at is not null
),

asset_changes as (
    select work_unit_id, assigned_from_at as event_at, physical_asset_id from assignments
    union all
    select work_unit_id, assigned_until_at as event_at, '' as physical_asset_id
    from assignments
    where assigned_until_at is not null
),

-- Every instant at which something changes, with what is known there; '' says "none from here on".
changes as (
    select
        work_unit_id,
        event_at,
        max(state) as state,
        max(work_order_id) as work_order_id,
        max(physical_asset_id) as physical_asset_id
    from (
        select work_unit_id, event_at, state, null as work_order_id, null as physical_asset_id from state_changes
        union all
        select work_unit_id, event_at, null, work_order_id, null from order_changes
        union all
        select work_unit_id, event_at, null, null, physical_asset_id from asset_changes
    )
    group by all
),

known as (
    select
        work_unit_id,
        event_at as started_at,
        {{ last_known('state', 'partition by work_unit_id order by event_at') }} as state,
        nullif({{ last_known('work_order_id', 'partition by work_unit_id order by event_at') }}, '') as work_order_id,
        nullif({{ last_known('physical_asset_id', 'partition by work_unit_id order by event_at') }}, '') as physical_asset_id
    from changes
),

collapsed as (
    select *
    from known
    where state is not null
    qualify
        row_number() over (partition by work_unit_id order by started_at) = 1
        or state is distinct from lag(state) over (partition by work_unit_id order by started_at)
        or work_order_id is distinct from lag(work_order_id) over (partition by work_unit_id order by started_at)
        or physical_asset_id is distinct from lag(physical_asset_id) over (partition by work_unit_id order by started_at)
),

-- An interval ends where the next begins; the last one with the last reading of the unit, for nobody knows more.
intervals as (
    select
        collapsed.*,
        spans.site_id,
        coalesce(
            lead(collapsed.started_at) over (partition by collapsed.work_unit_id order by collapsed.started_at),
            spans.last_reading_at
        ) as ended_at,
        lead(collapsed.started_at) over (partition by collapsed.work_unit_id order by collapsed.started_at) is null as is_open,
        max(collapsed.work_order_id) over (partition by collapsed.work_unit_id) is not null as works_by_orders
    from collapsed
    inner join spans on collapsed.work_unit_id = spans.work_unit_id
),

-- A delay is a delay of an order (ISO 22400-2): a unit that works by orders and idles without one waits for none.
final as (
    select
        md5(intervals.work_unit_id || '/' || cast(intervals.started_at as varchar)) as state_interval_id,
        intervals.work_unit_id,
        intervals.site_id,
        intervals.physical_asset_id,
        intervals.started_at,
        intervals.ended_at,
        {{ seconds_between('intervals.started_at', 'intervals.ended_at') }} as duration_s,
        intervals.state,
        case
            when
                intervals.state = 'idle' and categories.time_category = 'delay'
                and intervals.works_by_orders and intervals.work_order_id is null
                then 'not_planned'
            else categories.time_category
        end as time_category,
        categories.attribution,
        intervals.work_order_id,
        intervals.is_open
    from intervals
    left join categories
        on intervals.site_id = categories.site_id and intervals.state = categories.state
    where intervals.ended_at > intervals.started_at
)

select * from final
