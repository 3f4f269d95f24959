{%- set device = 'site_id, edge_node_id, device_id' -%}

with

devices as (
    select * from {{ ref('int_completeness__devices_heard') }}
),

messages as (
    select * from {{ ref('stg_uns__messages') }}
    where message_type not in ('event', 'NDEATH')
),

losses as (
    select * from {{ ref('stg_uns__losses') }}
),

gaps as (
    select * from {{ ref('int_completeness__sequence_gaps') }}
),

sessions as (
    select * from {{ ref('fct_edge_node_sessions') }}
),

sequenced as (
    select * from {{ ref('int_completeness__messages_sequenced') }}
),

horizon as (
    select max(told_until_at) as told_until_at from devices
),

-- Messages of a session that never came: what the landed sequence says today.
missing as (
    select
        site_id,
        edge_node_id,
        cast(null as varchar) as device_id,
        case when is_estimated then 'time_gap' else 'seq_gap' end as loss_kind,
        from_at,
        until_at,
        missing_message_count
    from gaps
),

-- Gaps that the collector wrote down and of which nothing is missing any more.
filled as (
    select
        losses.site_id,
        losses.edge_node_id,
        cast(null as varchar) as device_id,
        losses.loss_kind,
        losses.from_at,
        losses.until_at,
        0 as missing_message_count
    from losses
    left join gaps
        on
            losses.site_id = gaps.site_id
            and losses.edge_node_id = gaps.edge_node_id
            and gaps.from_at < losses.until_at
            and gaps.until_at > losses.from_at
    where losses.loss_kind in ('seq_gap', 'time_gap') and gaps.birth_id is null
),

-- From the last message of a session to the next session, or to this day.
away as (
    select
        sessions.site_id,
        sessions.edge_node_id,
        cast(null as varchar) as device_id,
        case when sessions.ended_by = 'death' then 'death' else 'stale' end as loss_kind,
        sessions.last_event_at as from_at,
        coalesce(sessions.next_session_at, horizon.told_until_at) as until_at,
        cast(null as bigint) as missing_message_count
    from sessions
    cross join horizon
    where sessions.ended_by <> 'open'
),

nobody_listened as (
    select
        losses.site_id,
        '' as edge_node_id,
        cast(null as varchar) as device_id,
        losses.loss_kind,
        losses.from_at,
        coalesce(losses.until_at, horizon.told_until_at) as until_at,
        losses.estimated_count as missing_message_count
    from losses
    cross join horizon
    where losses.loss_kind in ('collector_offline', 'broker_unreachable')
),

births as (
    select
        {{ birth() }},
        min(event_at) as first_event_at,
        max(event_at) as last_event_at
    from sequenced
    group by all
),

followed_births as (
    select
        *,
        lead(bd_seq) over (partition by site_id, edge_node_id order by coalesce(birth_at, first_event_at)) as next_bd_seq,
        lead(birth_at) over (partition by site_id, edge_node_id order by coalesce(birth_at, first_event_at)) as next_birth_at
    from births
),

edge_nodes as (
    select
        site_id,
        edge_node_id,
        min(silent_after_s) as silent_after_s
    from devices
    group by all
),

-- A rebirth begins the sequence anew, so it proves nothing of the time before it: where that is long, or where nobody
-- listened in it, what was said last may be missing.
unproven as (
    select
        followed_births.site_id,
        followed_births.edge_node_id,
        cast(null as varchar) as device_id,
        coalesce(max(nobody_listened.loss_kind), 'silence') as loss_kind,
        followed_births.last_event_at as from_at,
        followed_births.next_birth_at as until_at,
        cast(null as bigint) as missing_message_count
    from followed_births
    inner join edge_nodes
        on followed_births.site_id = edge_nodes.site_id and followed_births.edge_node_id = edge_nodes.edge_node_id
    left join nobody_listened
        on
            followed_births.site_id = nobody_listened.site_id
            and nobody_listened.from_at < followed_births.next_birth_at
            and nobody_listened.until_at > followed_births.last_event_at
    where
        followed_births.bd_seq is not distinct from followed_births.next_bd_seq
        and (
            nobody_listened.site_id is not null
            or {{ epoch_seconds('followed_births.next_birth_at') }} - {{ epoch_seconds('followed_births.last_event_at') }}
            > edge_nodes.silent_after_s
        )
    group by all
),

spoken as (
    select
        {{ device }},
        event_at,
        message_type,
        lead(event_at) over (partition by {{ device }} order by event_at) as next_event_at
    from messages
),

-- A sequence that goes on proves that a silence was one, but only for so long: it counts modulo 256, and a device whose
-- own connection is broken says nothing in an unbroken sequence. Without a sequence, what is usual decides; so it does
-- after the last message, which nothing has followed yet.
silent as (
    select
        spoken.site_id,
        spoken.edge_node_id,
        spoken.device_id,
        case when spoken.message_type = 'DDEATH' then 'device_death' else 'silence' end as loss_kind,
        spoken.event_at as from_at,
        coalesce(spoken.next_event_at, devices.told_until_at) as until_at,
        cast(null as bigint) as missing_message_count
    from spoken
    inner join devices
        on
            spoken.site_id = devices.site_id
            and spoken.edge_node_id = devices.edge_node_id
            and spoken.device_id = devices.device_id
    where
        spoken.message_type = 'DDEATH'
        or {{ epoch_seconds('coalesce(spoken.next_event_at, devices.told_until_at)') }} - {{ epoch_seconds('spoken.event_at') }}
        > case
            when devices.is_sequenced and spoken.next_event_at is not null then {{ var('completeness_longest_silence_s') }}
            else devices.silent_after_s
        end
),

found as (
    select * from missing
    union all
    select * from filled
    union all
    select * from away
    union all
    select * from nobody_listened
    union all
    select * from unproven
    union all
    select * from silent
),

final as (
    select
        md5(
            site_id || '/' || edge_node_id || '/' || coalesce(device_id, '*') || '/' || loss_kind || '/'
            || cast(from_at as varchar) || '/' || cast(until_at as varchar)
        ) as loss_id,
        site_id,
        edge_node_id,
        device_id,
        loss_kind,
        from_at,
        until_at,
        cast(sum(missing_message_count) as bigint) as missing_message_count
    from found
    where until_at > from_at
    group by all
)

select * from final
