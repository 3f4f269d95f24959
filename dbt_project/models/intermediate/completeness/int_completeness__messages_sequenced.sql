{%- set late = 16 -%}
{%- set by_event = 'partition by ' ~ birth() ~ ' order by event_at, received_at, seq' -%}
{%- set by_receipt = 'partition by ' ~ birth() ~ ' order by received_at, event_at, seq' -%}

with

messages as (
    select
        {{ birth() }},
        seq,
        event_at,
        received_at
    from {{ ref('stg_uns__messages') }}
    where
        seq is not null
        and edge_node_id <> ''
        -- what an earlier session said, overtaken by the birth of the next, has no place in the sequence of that one
        and (birth_at is null or event_at >= birth_at or not is_out_of_order)
),

-- seq counts modulo 256. A message may be late by 16 places before it is taken for one of the next turn, so a step is
-- forward by 1 to 239 or back by 0 to 16.
stepped as (
    select
        *,
        (cast(seq as integer) - lag(seq) over ({{ by_event }}) + {{ 256 + late }}) % 256 - {{ late }} as event_step,
        case when received_at < lag(received_at) over ({{ by_event }}) then 1 else 0 end as is_overtaken
    from messages
),

placed as (
    select
        {{ birth() }},
        seq,
        event_at,
        received_at,
        sum(coalesce(event_step, 0)) over ({{ by_event }} rows between unbounded preceding and current row) as event_place,
        max(is_overtaken) over (partition by {{ birth() }}) as is_disordered
    from stepped
),

-- Only where messages overtook one another does the order of receipt differ: few births pay for a second sort.
received as (
    select
        *,
        (cast(seq as integer) - lag(seq) over ({{ by_receipt }}) + {{ 256 + late }}) % 256 - {{ late }} as receipt_step
    from placed
    where is_disordered = 1
),

received_places as (
    select
        *,
        sum(coalesce(receipt_step, 0)) over ({{ by_receipt }} rows between unbounded preceding and current row)
            as receipt_place
    from received
),

spanned as (
    select
        *,
        max(event_place) over (partition by {{ birth() }}) - min(event_place) over (partition by {{ birth() }}) as event_span,
        max(receipt_place) over (partition by {{ birth() }})
        - min(receipt_place) over (partition by {{ birth() }}) as receipt_span
    from received_places
),

-- Every message out of place costs its order a turn of 256: the order that needs fewer numbers is the one they were sent in.
final as (
    select
        {{ birth() }},
        seq,
        event_at,
        received_at,
        cast(event_place as bigint) as place
    from placed
    where is_disordered = 0
    union all
    select
        {{ birth() }},
        seq,
        event_at,
        received_at,
        cast(case when event_span <= receipt_span then event_place else receipt_place end as bigint)
    from spanned
)

select * from final
