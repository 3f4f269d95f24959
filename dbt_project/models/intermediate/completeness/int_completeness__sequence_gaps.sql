with

messages as (
    select * from {{ ref('int_completeness__messages_sequenced') }}
),

ledger as (
    select * from {{ ref('stg_uns__losses') }}
    where
        (loss_kind = 'time_gap' or (loss_kind = 'seq_gap' and estimated_count + filled_count >= 256))
        and from_at is not null
        and until_at is not null
),

places as (
    select
        {{ birth() }},
        place,
        min(event_at) as event_at
    from messages
    group by all
),

neighbours as (
    select
        *,
        lead(place) over (partition by {{ birth() }} order by place) as next_place,
        lead(event_at) over (partition by {{ birth() }} order by place) as next_event_at
    from places
),

seen_in_sequence as (
    select
        {{ birth() }},
        {{ birth_id() }} as birth_id,
        least(event_at, next_event_at) as from_at,
        greatest(event_at, next_event_at) as until_at,
        next_place - place - 1 as missing_message_count
    from neighbours
    where next_place > place + 1
),

-- Whole turns of the sequence show in the clock only, which the collector watched: what it estimated, less what the
-- sequence shows and what has landed since from within.
seen_in_clock as (
    select
        {{ birth() }},
        {{ birth_id() }} as birth_id,
        from_at,
        until_at,
        max(estimated_count + filled_count) as swallowed_count
    from ledger
    group by all
),

landed_within as (
    select
        seen_in_clock.birth_id,
        seen_in_clock.from_at,
        seen_in_clock.until_at,
        count(*) as landed_count
    from seen_in_clock
    inner join places
        on
            seen_in_clock.site_id = places.site_id
            and seen_in_clock.edge_node_id = places.edge_node_id
            and coalesce(seen_in_clock.bd_seq, -1) = coalesce(places.bd_seq, -1)
            and coalesce(seen_in_clock.birth_at, timestamp '1970-01-01') = coalesce(places.birth_at, timestamp '1970-01-01')
            and places.event_at > seen_in_clock.from_at
            and places.event_at < seen_in_clock.until_at
    group by all
),

missing_within as (
    select
        seen_in_clock.birth_id,
        seen_in_clock.from_at,
        seen_in_clock.until_at,
        sum(seen_in_sequence.missing_message_count) as missing_count
    from seen_in_clock
    inner join seen_in_sequence
        on
            seen_in_clock.birth_id = seen_in_sequence.birth_id
            and seen_in_sequence.from_at >= seen_in_clock.from_at
            and seen_in_sequence.until_at <= seen_in_clock.until_at
    group by all
),

whole_turns as (
    select
        seen_in_clock.site_id,
        seen_in_clock.edge_node_id,
        seen_in_clock.bd_seq,
        seen_in_clock.birth_at,
        seen_in_clock.birth_id,
        seen_in_clock.from_at,
        seen_in_clock.until_at,
        seen_in_clock.swallowed_count
        - coalesce(landed_within.landed_count, 0)
        - coalesce(missing_within.missing_count, 0) as missing_message_count
    from seen_in_clock
    left join landed_within
        on
            seen_in_clock.birth_id = landed_within.birth_id
            and seen_in_clock.from_at = landed_within.from_at
            and seen_in_clock.until_at = landed_within.until_at
    left join missing_within
        on
            seen_in_clock.birth_id = missing_within.birth_id
            and seen_in_clock.from_at = missing_within.from_at
            and seen_in_clock.until_at = missing_within.until_at
),

gaps as (
    select *, false as is_estimated from seen_in_sequence
    union all
    select *, true from whole_turns where missing_message_count > 0
),

final as (
    select
        {{ birth() }},
        birth_id,
        from_at,
        until_at,
        cast(sum(missing_message_count) as bigint) as missing_message_count,
        max(case when is_estimated then 1 else 0 end) = 1 as is_estimated
    from gaps
    group by all
)

select * from final
