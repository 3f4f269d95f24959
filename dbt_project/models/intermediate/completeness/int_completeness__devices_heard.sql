{%- set device = 'site_id, edge_node_id, device_id' -%}
{%- set longest_s = var('completeness_longest_silence_s') -%}

with

messages as (
    select * from {{ ref('stg_uns__messages') }}
    where message_type not in ('event', 'NDEATH')
),

-- The newest instant of which anybody told; a clock that runs ahead tells of no future.
horizon as (
    select max(least(event_at, received_at)) as told_until_at
    from messages
),

steps as (
    select
        {{ device }},
        event_at,
        message_type,
        seq,
        {{ epoch_seconds('event_at') }}
        - {{ epoch_seconds('lag(event_at) over (partition by ' ~ device ~ ' order by event_at)') }} as step_s
    from messages
),

measured as (
    select
        {{ device }},
        min(event_at) as first_event_at,
        max(event_at) as last_event_at,
        count(seq) > 0 as is_sequenced,
        percentile_cont(0.5) within group (order by step_s) as usual_step_s,
        percentile_cont(0.99) within group (order by step_s) as long_step_s
    from steps
    where step_s is null or step_s > 0
    group by all
    -- an edge node that only ever announced itself has devices to speak for it
    having max(case when message_type <> 'NBIRTH' then 1 else 0 end) = 1
),

final as (
    select
        measured.site_id,
        measured.edge_node_id,
        measured.device_id,
        measured.first_event_at,
        measured.last_event_at,
        horizon.told_until_at,
        measured.is_sequenced,
        measured.usual_step_s,
        least(coalesce(3 * measured.long_step_s, {{ longest_s }}), {{ longest_s }}) as silent_after_s
    from measured
    cross join horizon
)

select * from final
