def test_look(paperless):
    world = paperless(*[f"SI-{n}" for n in range(101,114)])
    for r in world.records("invoice"):
        print(r.number, r.state, r.remote_id, [p["code"] for p in r.problems], [w["code"] for w in r.warnings], r.waits_for, r.due_at)
    for i in world.state("sage_paperless","invoices"): print(i["invoice_number"], i["status"], i["placement"], i["gross"], i["document"]["pages"], [f["code"] for f in i["validation"]["findings"]])
    world.settle(); world.scan(); world.settle()
    for r in world.records("invoice"):
        print(r.number, r.state, r.remote_id, [p["code"] for p in r.problems], [(w["code"],w["values"].get("status")) for w in r.warnings])
    from sync import reconcile
    rep=reconcile.run(world.company,"sage_paperless"); print(rep)
    from sync import rebuild
    print(rebuild.run(world.company,"sage_paperless"))
    world.act("sage_paperless","set_configuration",configuration={"import_behaviour":"automated_import_and_auto_route_with_queue_failover"})
    assert 0
