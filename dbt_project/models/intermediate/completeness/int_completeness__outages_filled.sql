with

outages as (
    select * from {{ ref('int_completeness__outages_found') }}
),

devices as (
    select * from {{ ref('int_completeness__devices_heard') }}
),

messages as (
    select * from {{ ref('stg_uns__messages') }}
    where message_type not in ('event', 'NDEATH')
),

historical as (
    select distinct
        site_id,
        edge_node_id,
        device_id,
        event_at
    from {{ ref('stg_uns__readings') }}
    where is_historical
),

-- Whom an outage kept from being heard. While nobody listened a sequence was kept all the same: it proves by itself
-- what was lost, so only devices without one are asked here.
touched as (
    select
        outages.loss_id,
        outages.loss_kind,
        outages.from_at,
        outages.until_at,
        outages.missing_message_count,
        devices.site_id,
        devices.edge_node_id,
        devices.device_id,
        devices.silent_after_s
    from outages
    inner join devices
        on
            outages.site_id = devices.site_id
            and devices.first_event_at < outages.until_at
            and case
                when outages.edge_node_id = '' and outages.device_id is null then not devices.is_sequenced
                else
                    outages.edge_node_id = devices.edge_node_id
                    and (outages.device_id is null or outages.device_id = devices.device_id)
            end
),

-- What was told of the time of an outage: values from an edge node's buffer and, where nobody listened, messages that
-- the broker kept.
told as (
    select
        touched.loss_id,
        touched.edge_node_id,
        touched.device_id,
        historical.event_at
    from touched
    inner join historical
        on
            touched.site_id = historical.site_id
            and touched.edge_node_id = historical.edge_node_id
            and touched.device_id = historical.device_id
            and historical.event_at > touched.from_at
            and historical.event_at < touched.until_at
    union all
    select
        touched.loss_id,
        touched.edge_node_id,
        touched.device_id,
        messages.event_at
    from touched
    inner join messages
        on
            touched.site_id = messages.site_id
            and touched.edge_node_id = messages.edge_node_id
            and touched.device_id = messages.device_id
            and messages.event_at > touched.from_at
            and messages.event_at < touched.until_at
    where touched.loss_kind in ('collector_offline', 'broker_unreachable')
),

cuts as (
    select
        loss_id,
        edge_node_id,
        device_id,
        event_at,
        true as is_told
    from told
    union all
    select
        loss_id,
        edge_node_id,
        device_id,
        from_at,
        false
    from touched
),

pieces as (
    select
        loss_id,
        edge_node_id,
        device_id,
        event_at as started_at,
        lead(event_at) over (partition by loss_id, edge_node_id, device_id order by event_at) as ended_at,
        max(case when is_told then 1 else 0 end) over (partition by loss_id, edge_node_id, device_id) as is_told
    from (select distinct * from cuts)
),

-- Between two values from a buffer nothing is missing, unless they lie further apart than this device is ever silent.
final as (
    select
        touched.loss_id,
        touched.site_id,
        touched.edge_node_id,
        touched.device_id,
        touched.loss_kind,
        pieces.started_at,
        coalesce(pieces.ended_at, touched.until_at) as ended_at,
        touched.missing_message_count is not distinct from 0
        or (
            pieces.is_told = 1
            and {{ epoch_seconds('coalesce(pieces.ended_at, touched.until_at)') }} - {{ epoch_seconds('pieces.started_at') }}
            <= touched.silent_after_s
        ) as is_filled
    from pieces
    inner join touched
        on
            pieces.loss_id = touched.loss_id
            and pieces.edge_node_id = touched.edge_node_id
            and pieces.device_id = touched.device_id
    where coalesce(pieces.ended_at, touched.until_at) > pieces.started_at
)

select * from final
