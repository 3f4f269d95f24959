with

outages as (
    select * from {{ ref('int_completeness__outages_found') }}
),

pieces as (
    select * from {{ ref('int_completeness__outages_filled') }}
),

uncovered as (
    select * from {{ ref('int_completeness__uncovered_intervals') }}
),

work_units as (
    select distinct
        site_id,
        edge_node_id,
        device_id,
        work_unit_id
    from {{ ref('stg_uns__metric_mappings') }}
    where work_unit_id is not null
),

messages as (
    select * from {{ ref('stg_uns__messages') }}
    where message_type not in ('event', 'NDEATH')
),

historical as (
    select * from {{ ref('stg_uns__readings') }}
    where is_historical
),

-- Two messages that follow one another have none between them; elsewhere a late one may have come.
spans as (
    select
        loss_id,
        site_id,
        edge_node_id,
        device_id,
        from_at,
        until_at,
        edge_node_id = '' and device_id is null as is_whole_site,
        loss_kind not in ('silence', 'device_death')
        and not (loss_kind = 'seq_gap' and missing_message_count > 0) as may_hold_messages
    from outages
),

backfilled_times as (
    select
        spans.loss_id,
        historical.event_at
    from spans
    inner join historical on spans.site_id = historical.site_id and spans.edge_node_id = historical.edge_node_id
    where
        not spans.is_whole_site
        and (spans.device_id is null or spans.device_id = historical.device_id)
        and historical.event_at > spans.from_at
        and historical.event_at < spans.until_at
    union all
    select
        spans.loss_id,
        historical.event_at
    from spans
    inner join historical on spans.site_id = historical.site_id
    where spans.is_whole_site and historical.event_at > spans.from_at and historical.event_at < spans.until_at
),

backfilled as (
    select
        loss_id,
        count(*) as backfilled_reading_count,
        min(event_at) as backfilled_from_at,
        max(event_at) as backfilled_until_at
    from backfilled_times
    group by all
),

late_messages as (
    select spans.loss_id
    from spans
    inner join messages on spans.site_id = messages.site_id and spans.edge_node_id = messages.edge_node_id
    where
        spans.may_hold_messages
        and not spans.is_whole_site
        and messages.event_at > spans.from_at
        and messages.event_at < spans.until_at
    union all
    select spans.loss_id
    from spans
    inner join messages on spans.site_id = messages.site_id
    where spans.is_whole_site and messages.event_at > spans.from_at and messages.event_at < spans.until_at
),

late as (
    select
        loss_id,
        count(*) as late_message_count
    from late_messages
    group by all
),

-- A site's outage touches every device of the site, whoever proves it filled.
touched_work_units as (
    select distinct
        outages.loss_id,
        outages.from_at,
        outages.until_at,
        work_units.work_unit_id
    from outages
    inner join work_units
        on
            outages.site_id = work_units.site_id
            and (outages.edge_node_id = '' or outages.edge_node_id = work_units.edge_node_id)
            and (outages.device_id is null or outages.device_id = work_units.device_id)
),

left_uncovered as (
    select
        touched_work_units.loss_id,
        touched_work_units.work_unit_id,
        sum(
            {{ shared_seconds('touched_work_units.from_at', 'touched_work_units.until_at', 'uncovered.started_at', 'uncovered.ended_at') }}
        ) as uncovered_s
    from touched_work_units
    inner join uncovered
        on
            touched_work_units.work_unit_id = uncovered.work_unit_id
            and uncovered.started_at < touched_work_units.until_at
            and uncovered.ended_at > touched_work_units.from_at
    group by all
),

longest as (
    select
        loss_id,
        max(uncovered_s) as uncovered_s
    from left_uncovered
    group by all
),

-- Where nothing is mapped to a work unit, what is left open of the outage itself.
open_pieces as (
    select
        loss_id,
        edge_node_id,
        device_id,
        sum({{ seconds_between('started_at', 'ended_at') }}) as uncovered_s
    from pieces
    where not is_filled
    group by all
),

longest_open as (
    select
        loss_id,
        max(uncovered_s) as uncovered_s
    from open_pieces
    group by all
),

final as (
    select
        outages.loss_id,
        outages.site_id,
        outages.edge_node_id,
        outages.device_id,
        outages.loss_kind,
        outages.from_at,
        outages.until_at,
        cast({{ seconds_between('outages.from_at', 'outages.until_at') }} as decimal(18, 6)) as duration_s,
        outages.missing_message_count,
        coalesce(backfilled.backfilled_reading_count, 0) as backfilled_reading_count,
        backfilled.backfilled_from_at,
        backfilled.backfilled_until_at,
        coalesce(late.late_message_count, 0) as late_message_count,
        cast(
            coalesce(greatest(longest.uncovered_s, longest_open.uncovered_s), longest.uncovered_s, longest_open.uncovered_s, 0)
            as decimal(18, 6)
        ) as uncovered_s,
        coalesce(greatest(longest.uncovered_s, longest_open.uncovered_s), longest.uncovered_s, longest_open.uncovered_s, 0)
        = 0 as is_filled
    from outages
    left join backfilled on outages.loss_id = backfilled.loss_id
    left join late on outages.loss_id = late.loss_id
    left join longest on outages.loss_id = longest.loss_id
    left join longest_open on outages.loss_id = longest_open.loss_id
)

select * from final
