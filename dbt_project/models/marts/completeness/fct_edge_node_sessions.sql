with

messages as (
    select * from {{ ref('stg_uns__messages') }}
    where edge_node_id <> '' and message_type in ('NBIRTH', 'NDATA', 'DBIRTH', 'DDATA', 'DDEATH')
),

losses as (
    select
        *,
        {{ birth_id() }} as birth_id
    from {{ ref('stg_uns__losses') }}
),

sequenced as (
    select
        {{ birth_id() }} as birth_id,
        min_by(seq, place) as first_seq,
        max_by(seq, place) as last_seq
    from {{ ref('int_completeness__messages_sequenced') }}
    group by all
),

gaps as (
    select * from {{ ref('int_completeness__sequence_gaps') }}
),

quarantined as (
    select * from {{ ref('stg_uns__quarantined_messages') }}
    where edge_node_id <> '' and message_id not in (select messages.message_id from messages)
),

births as (
    select
        {{ birth() }},
        {{ birth_id() }} as birth_id,
        count(*) as landed_count,
        min(event_at) as first_event_at,
        max(event_at) as last_event_at,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at
    from messages
    group by all
),

deaths as (
    select
        birth_id,
        min(received_at) as died_at
    from losses
    where loss_kind = 'death'
    group by all
),

requests as (
    select
        birth_id,
        count(*) as rebirth_requested_count
    from losses
    where loss_kind = 'rebirth_requested'
    group by all
),

missing as (
    select
        birth_id,
        count(*) as gap_count,
        sum(missing_message_count) as missing_count,
        max(case when is_estimated then 1 else 0 end) as is_estimated
    from gaps
    group by all
),

counted as (
    select
        births.*,
        sequenced.first_seq,
        sequenced.last_seq,
        deaths.died_at,
        coalesce(requests.rebirth_requested_count, 0) as rebirth_requested_count,
        coalesce(missing.gap_count, 0) as gap_count,
        coalesce(missing.missing_count, 0) as missing_count,
        coalesce(missing.is_estimated, 0) as is_estimated
    from births
    left join sequenced on births.birth_id = sequenced.birth_id
    left join deaths on births.birth_id = deaths.birth_id
    left join requests on births.birth_id = requests.birth_id
    left join missing on births.birth_id = missing.birth_id
),

-- A birth of the same bd_seq with no death before it is a rebirth: the connection, and with it the session, went on.
begun as (
    select
        *,
        case
            when
                row_number() over (partition by site_id, edge_node_id order by coalesce(birth_at, first_event_at), birth_id) = 1
                or bd_seq is distinct from lag(bd_seq) over (
                    partition by site_id, edge_node_id order by coalesce(birth_at, first_event_at), birth_id
                )
                or lag(died_at) over (
                    partition by site_id, edge_node_id order by coalesce(birth_at, first_event_at), birth_id
                ) is not null
                then 1
            else 0
        end as is_first_birth
    from counted
),

numbered as (
    select
        *,
        sum(is_first_birth) over (
            partition by site_id, edge_node_id
            order by coalesce(birth_at, first_event_at), birth_id
            rows between unbounded preceding and current row
        ) as session_number
    from begun
),

sessions as (
    select
        site_id,
        edge_node_id,
        session_number,
        min_by(birth_id, coalesce(birth_at, first_event_at)) as birth_id,
        max(bd_seq) as bd_seq,
        min(birth_at) as birth_at,
        min_by(first_seq, first_event_at) as first_seq,
        max_by(last_seq, last_event_at) as last_seq,
        min(first_event_at) as first_event_at,
        max(last_event_at) as last_event_at,
        min(first_received_at) as first_received_at,
        max(last_received_at) as last_received_at,
        max(died_at) as died_at,
        sum(landed_count) as landed_message_count,
        sum(missing_count) as missing_message_count,
        sum(gap_count) as gap_count,
        count(*) - 1 as rebirth_count,
        sum(rebirth_requested_count) as rebirth_requested_count,
        max(is_estimated) as is_estimated
    from numbered
    group by all
),

followed as (
    select
        *,
        lead(coalesce(birth_at, first_event_at)) over (partition by site_id, edge_node_id order by session_number) as next_session_at,
        lead(first_received_at) over (partition by site_id, edge_node_id order by session_number) as next_received_at
    from sessions
),

set_aside as (
    select
        followed.birth_id,
        count(*) as quarantined_message_count
    from followed
    inner join quarantined
        on
            followed.site_id = quarantined.site_id
            and followed.edge_node_id = quarantined.edge_node_id
            and quarantined.received_at >= followed.first_received_at
            and (followed.next_received_at is null or quarantined.received_at < followed.next_received_at)
    group by all
),

final as (
    select
        md5(followed.birth_id) as edge_node_session_id,
        followed.site_id,
        followed.edge_node_id,
        cast(followed.bd_seq as integer) as bd_seq,
        followed.birth_at,
        cast(followed.first_seq as integer) as first_seq,
        cast(followed.last_seq as integer) as last_seq,
        followed.first_event_at,
        followed.last_event_at,
        followed.first_received_at,
        followed.last_received_at,
        case
            when followed.died_at is not null then 'death'
            when followed.next_session_at is not null then 'new_session'
            else 'open'
        end as ended_by,
        followed.next_session_at,
        cast(followed.landed_message_count + followed.missing_message_count as bigint) as expected_message_count,
        cast(followed.landed_message_count as bigint) as landed_message_count,
        cast(followed.missing_message_count as bigint) as missing_message_count,
        followed.is_estimated = 1 as is_missing_estimated,
        cast(followed.gap_count as bigint) as gap_count,
        cast(followed.rebirth_count as bigint) as rebirth_count,
        cast(followed.rebirth_requested_count as bigint) as rebirth_requested_count,
        cast(coalesce(set_aside.quarantined_message_count, 0) as bigint) as quarantined_message_count,
        cast(followed.landed_message_count as double)
        / cast(followed.landed_message_count + followed.missing_message_count as double) as landed_ratio
    from followed
    left join set_aside on followed.birth_id = set_aside.birth_id
)

select * from final
