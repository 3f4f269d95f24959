"""Plants that do not exist: shifts, orders, wear, faults and honest trouble, published as correct MQTT clients.

Owns: what simulated plants do (a pure plan, deterministic from its seed), how they say it, an embedded broker for the
demo, and the replay of recorded run-to-failure data. Does not own: the enterprise's configuration (it reads it) or
anything that happens after the broker.

    scenario troubles enterprise_rows            what to play, read from a deployment directory
    shift_calendar randomness wear               the site's clock, seeded streams, hidden wear
    work_unit machining compression order_book   one work unit's life
    material_flow plant_life                     a site's lots, and the site as a whole
    edge_node sparkplug_site json_site mes_events redelivery        how plants write it on the wire
    actions plan                                 everything that happens, in time order: pure
    connection publisher publication             the wire, and the account of it
    embedded_broker                              the demo's broker, in a process of its own
    cmapss cmapss_deployment                     NASA's turbofan histories as Sparkplug edge nodes
"""
