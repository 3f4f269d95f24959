{%- set late = 16 -%}
{%- set orders = {'event': 'event_at, received_at, seq', 'receipt': 'received_at, event_at, seq'} -%}

with

messages as (
    select * from {{ ref('stg_uns__messages') }}
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
        {{ birth() }},
        seq,
        event_at,
        received_at,
        {% for order, columns in orders.items() -%}
        (
            cast(seq as integer) - lag(seq) over (partition by {{ birth() }} order by {{ columns }}) + {{ 256 + late }}
        ) % 256 - {{ late }} as {{ order }}_step{{ ',' if not loop.last }}
        {% endfor %}
    from messages
),

placed as (
    select
        *,
        {% for order, columns in orders.items() -%}
        sum(coalesce({{ order }}_step, 0)) over (
            partition by {{ birth() }} order by {{ columns }} rows between unbounded preceding and current row
        ) as {{ order }}_place{{ ',' if not loop.last }}
        {% endfor %}
    from stepped
),

spanned as (
    select
        *,
        {% for order in orders -%}
        max({{ order }}_place) over (partition by {{ birth() }})
        - min({{ order }}_place) over (partition by {{ birth() }}) as {{ order }}_span{{ ',' if not loop.last }}
        {% endfor %}
    from placed
),

-- Every message out of place costs its order a turn of 256: the order that needs fewer numbers is the one they were sent in.
final as (
    select
        {{ birth() }},
        seq,
        event_at,
        received_at,
        cast(case when event_span <= receipt_span then event_place else receipt_place end as bigint) as place
    from spanned
)

select * from final
