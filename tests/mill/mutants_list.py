"""Deliberate bugs, to test the judges: what stands in the product, what would stand there instead, what is wrong with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """`module`: a dotted name, or the path of a SQL file. `old` stands in it exactly once. `connection`: whose runs show it."""

    name: str
    module: str
    old: str
    new: str
    wrong: str
    connection: str = "lentune"


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "forgotten_when_claimed", "sync.claim",
        "                due_at = clock_timestamp() + make_interval(secs => :lease)\n",
        "                due_at = NULL\n",
        "A claimed record is due no more, as if its message had been acknowledged early: its worker's death forgets it.",
    ),
    Mutant(
        "new_version_not_seen", "sync.judge",
        "    if row.sent_hash is not None and bytes(row.sent_hash) == work.held_hash:\n",
        "    if row.sent_hash is not None:\n",
        "What was sent once is never brought up to date.",
    ),
    Mutant(
        "cents_cut", "objects.money",
        "    return round_half_up(amount)\n\n\ndef amount_or_none", "    return Decimal(int(amount))\n\n\ndef amount_or_none",
        "Cents are lost where amounts are read.",
    ),
    Mutant(
        "key_without_kind", "sync.keys",
        'f"{direction}:{kind}:{source_id}".encode()', 'f"{direction}:{source_id[-1]}".encode()',
        "Documents of different sources get the same key: the later ones are written over the first.",
    ),
    Mutant(
        "history_left_out", "sync.records",
        "FROM moved WHERE :tell OR was <> :after\n", "FROM moved WHERE (:tell OR was <> :after) AND :after <> 'checking'\n",
        "One kind of change leaves no line in the history.",
    ),
    Mutant(
        "events_left_behind", "sync.inbox",
        "ORDER BY id FOR UPDATE SKIP LOCKED\n            ), heard AS (",
        "AND id % 3 > 0 ORDER BY id FOR UPDATE SKIP LOCKED\n            ), heard AS (",
        "Some events are never taken up.",
    ),
    Mutant(
        "sweep_skips_leased", "models/functions.sql",
        "          AND (lease_until IS NULL OR lease_until < clock_timestamp())\n        ORDER BY due_at LIMIT most",
        "          AND lease_until IS NULL\n        ORDER BY due_at LIMIT most",
        "The sweep never rings for a record whose worker died with the lease.",
    ),
    Mutant(
        "timeout_is_failure", "connectors.http",
        'return Answer(Outcome.uncertain, status, reason=f"no answer: {type(error).__name__}")',
        'return Answer(Outcome.not_applied, status, reason=f"no answer: {type(error).__name__}")',
        "A time-out or a dead connection counts as not carried out, and is sent again.",
    ),
    Mutant(
        "look_by_wrong_key", "connectors.procore.looking",
        '''        for record in procore.all(path, {**project, "filters[origin_id]": key}):
            if record.get("origin_id") == key:
''',
        '''        for record in procore.all(path, {**project, "filters[origin_id]": key.lower()}):
            if record.get("origin_id") == key.lower():
''',
        "The look asks for another key than the one that was written.",
    ),
    Mutant(
        "no_look", "sync.intent",
        '''    elif row.state == WriteState.sending:
        work.died = True
        doubt(db, work, now(), "the process that sent it ended before an answer came")
''',
        '''    elif row.state == WriteState.sending:
        work.action = "send"
''',
        "What a dead process was sending is sent again without a look.",
    ),
    Mutant(
        "one_absent_look", "sync.carry",
        "row.absent_looks < 2", "row.absent_looks < 1",
        "One look that finds nothing is enough to send again, also when the list only lags behind.",
    ),
    Mutant(
        "no_quarantine", "sync.intent",
        "    over = max(lease_end, now()) + timedelta(seconds=environment().quarantine_seconds)\n",
        "    over = now()\n",
        "What is in doubt is looked up at once: what arrives late is not there yet, and is sent again.",
    ),
    Mutant(
        "late_header_not_awaited", "connectors.plan",
        "        return self.repeatable and not self.undoes\n", "        return self.repeatable\n",
        "A header whose answer was lost is sent again at once: the first one lands late and makes it a draft again.",
    ),
    Mutant(
        "earlier_version_not_awaited", "sync.doubt",
        "    work.landed = until is None\n    return until\n", "    return None\n",
        "A newer version does not wait for a lost try of the one before it, which is then written over it.",
    ),
    Mutant(
        "float_sum", "objects.money",
        '''    return sum((a for a in amounts if a is not None), Decimal("0.00"))''',
        '''    return Decimal(int(sum(float(a) for a in amounts if a is not None) * 100)) / 100''',
        "Amounts are added as binary fractions and cut to cents.",
    ),
    Mutant(
        "lines_under_another_key", "connectors.procore.steps",
        '''    return f"{key}-{line.get('ref') or n}"\n''',
        '''    import secrets\n\n    return f"{key}-{secrets.token_hex(2)}-{line.get('ref') or n}"\n''',
        "Lines get another key at each try: a plan that goes on after a death writes them a second time.",
    ),
    Mutant(
        "shut_window_forgotten", "connectors.http",
        "self.budget.seen(Window(0, 0, retry_at))", "pass",
        "After a 429 the other workers go on asking inside the window that was said to be closed.",
    ),
    Mutant(
        "conflict_overwritten", "sync.carry",
        '    elif stale.differing and work.row.consent != "edited_on_both_sides":\n',
        '    elif stale.differing and work.row.consent == "nothing":\n',
        "What a person changed over there is written over, and nobody is asked.",
    ),
    Mutant(
        "client_of_another_company", "sync.clients",
        "    key = (os.getpid(), company.id, system, connected.version, urgent)\n",
        "    key = (os.getpid(), 0, system, connected.version, urgent)\n",
        "A process uses the client of whichever company came first: one company's documents go to another's system.",
    ),
    Mutant(
        "other_companys_records", "models.session",
        "set_config('role', 'sitebooks_app', true), ", "",
        "Row-level security does not bind: what is asked without a company is answered for all.",
    ),
    Mutant(
        "release_dropped_and_never_rechecked", "sync.judge",
        "        return Verdict(RecordState.held, found, due_at or recheck(), reason=found[0].code)\n",
        "        return Verdict(RecordState.held, tuple(Problem(p.code, p.values) for p in found), None, reason=found[0].code)\n",
        "What is held waits for nothing and is never looked at again.",
    ),
    Mutant(
        "approval_for_any_version", "sync.judge",
        "WHERE record_id = :r AND version = :v AND held_hash = :h ORDER BY id DESC LIMIT 1", "WHERE record_id = :r LIMIT 1",
        "What was approved once is sent in every later version.",
    ),
    Mutant(
        "server_error_is_failure", "connectors.http",
        "500: Outcome.uncertain, 502: Outcome.uncertain, 503: Outcome.uncertain, 504: Outcome.uncertain,",
        "500: Outcome.not_applied, 502: Outcome.not_applied, 503: Outcome.not_applied, 504: Outcome.not_applied,",
        "A server's error counts as not carried out, and the create is sent again without a look.",
    ),
    Mutant(
        "row_errors_ignored", "connectors.procore.rows",
        "    errors = [refused[name] for name in names if name in refused]\n", "    errors: list[Row] = []\n",
        "Rows that a sync answer names as refused are not seen as refused.",
    ),
    Mutant(
        "another_version_in_doubt_forgotten", "sync.intent",
        "    if not step.repeatable and work.version > 1 and row.state == WriteState.planned and not row.sends:\n",
        "    if not step.repeatable and work.version > 9999 and row.state == WriteState.planned and not row.sends:\n",
        "A new version is sent as a new document while the earlier version's create is in doubt.",
    ),
    Mutant(
        "found_means_up_to_date", "sync.doubt",
        "    if old is None:\n        return False\n", "    if old is None or old is not None:\n        return False\n",
        "What an earlier version left, once found, counts as the present version.",
    ),
    Mutant(
        "lease_not_checked_before_sending", "sync.carry",
        "timedelta(seconds=environment().request_seconds * 1.5)", "timedelta(days=-1)",
        "A worker that was stopped for longer than its lease still sends.",
    ),
    Mutant(
        "sent_hash_kept", "sync.intent",
        'work.step.side == "target" and work.row.sent_hash is not None:', 'work.step.side == "nowhere":',
        "After a doubtful update the last confirmed version is still taken to stand there: going back to it is not written.",
    ),
    Mutant(
        "telling_forgotten", "sync.conclude",
        '"due_at": work.row.lease_until if work.telling is not None else work.due_after,',
        '"due_at": work.due_after,',
        "Who dies between the outcome and telling the source of it leaves it untold for ever.",
    ),
    Mutant(
        "no_lease", "sync.claim",
        "AND (lease_until IS NULL OR lease_until < clock_timestamp())", "",
        "A record that somebody rings for is claimed by a second worker while the first still has it.",
    ),
    Mutant(
        "no_fence", "sync.records",
        "AND (CAST(:attempt AS int) IS NULL OR r.attempt = :attempt)", "AND coalesce(CAST(:attempt AS int), 1) > 0",
        "The result of an attempt that was overtaken is stored over that of the later one.",
    ),
    Mutant(
        "doubtful_payment_sent_again", "sync.carry",
        "(work.step.irreversible or twice)", "twice",
        "A payment in doubt that two looks did not find is sent again, and nobody is asked.", "sage_paperless",
    ),
    Mutant(
        "payment_of_unsynced_invoice", "connectors.payments",
        "    if invoice is None or standing(obj, known) or (link is not None and link.remote_id):\n",
        "    if link is not None or link is None:\n",
        "Payments of invoices that never came to accounting through us are written too.", "sage_paperless",
    ),
    Mutant(
        "document_without_its_last_files", "connectors.sage_paperless.preparing",
        "    wanted = [file for file in obj.attachments if file.reachable]\n    addresses",
        "    wanted = [file for file in obj.attachments if file.reachable][:1]\n    addresses",
        "The one document is made of the first attachment only.", "sage_paperless",
    ),
    Mutant(
        "void_unnoticed", "connectors.payments",
        "(on_settings(),)) if obj.voided and there else None", "(on_settings(),)) if obj.voided and not there else None",
        "A payment that was voided after it was written is called synced, and nobody is told.", "sage_paperless",
    ),
    Mutant(
        "earlier_payments_not_counted", "connectors.payments",
        "    return there or (one.amount > 0 and", "    return False and (one.amount > 0 and",
        "Other payments of the invoice are not counted: together more is paid than was invoiced.", "sage_paperless",
    ),
    Mutant(
        "mark_before_the_files", "connectors.sage_paperless.dropping",
        "        try:\n            for ending in ORDER:\n",
        "        try:\n            _mark(inbox, ready)\n            for ending in ORDER:\n",
        "The drop folder's mark is put before the files that it speaks for: the importer reads half an import.",
        "sage_paperless",
    ),
    Mutant(
        "marked_without_a_look", "connectors.sage_paperless.dropping",
        "        if all((inbox / f\"{stem}.{ending}\").exists() for ending in ORDER):\n",
        "        if ready.name:\n",
        "Files that another program renamed meanwhile are marked as complete.", "sage_paperless",
    ),
    Mutant(
        "archive_not_read_back", "connectors.sage_paperless.history",
        "(REFUSED, \"error\"), (TAKEN, \"archive\"))", "(REFUSED, \"error\"))",
        "What the importer took is not looked for in its archive: every import is called lost.", "sage_paperless",
    ),
    Mutant(
        "refusal_taken_for_import", "connectors.sage_paperless.history",
        "        return self.where in (INBOX, TAKEN) or", "        return self.where in (INBOX, TAKEN, REFUSED) or",
        "Files that the importer refused are called imported.", "sage_paperless",
    ),
    Mutant(
        "stem_used_again", "connectors.sage_paperless.folder",
        "        while stamp in used:\n", "        while stamp in used and not used:\n",
        "Going back to an earlier revision takes that one's stem, which the importer ignores.", "sage_paperless",
    ),
    Mutant(
        "notice_acknowledged_first", "connectors.sage_paperless.notices",
        "            if rows is None:\n                odd.append(",
        "            mark(ready.with_suffix(\".ack\"))\n            if rows is None:\n                odd.append(",
        "A paid notice is acknowledged before its rows are kept: a worker that dies in between loses payments.",
        "sage_paperless",
    ),
)
BY_NAME = {mutant.name: mutant for mutant in MUTANTS}
