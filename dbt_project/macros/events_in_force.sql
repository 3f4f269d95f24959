{#
  The events that are in force among those told. Of repetitions the first speaks. An event that another one corrects is
  replaced by it, of several corrections by the one received last; an event that did not occur is gone.
#}
{% macro events_in_force(events) -%}
    select told.*
    from (
        select *
        from {{ events }}
        qualify row_number() over (partition by site_id, event_id order by received_at, message_id) = 1
    ) as told
    where
        {{ json_text('told.payload', 'correction_reason') }} is distinct from 'did_not_occur'
        and not exists (
            select 1
            from {{ events }} as correction
            where
                correction.site_id = told.site_id
                and {{ json_text('correction.payload', 'corrects') }} = told.event_id
        )
    qualify row_number() over (
        partition by told.site_id, coalesce({{ json_text('told.payload', 'corrects') }}, told.event_id)
        order by told.received_at desc, told.message_id desc
    ) = 1
{%- endmacro %}
