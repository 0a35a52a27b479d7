"""The story of the demo: each step does one thing over real sockets, says it, and checks it."""

from __future__ import annotations

import json
from pathlib import Path

from connector.base.clock import random_uuid, utc_now
from connector.base.errors import ServerRefusal, SoapFault
from connector.cli.demo_letters import LETTER_ID, REPLACEMENT_ID, fresh_letter
from connector.cli.demo_stage import Stage
from connector.cli.demo_teller import Teller
from connector.dmp.client import DmpClient
from connector.dmp.refusals import explain
from connector.flows.callers import structure_caller
from connector.flows.outcomes import describe, first_error
from connector.hl7.ack import Ack
from connector.ins.model import MatriculeIns
from connector.journal.timeline import TimelineLine
from connector.simulator.faults import FaultRule
from connector.soap.session import tls_session
from connector.trust.keys import check_sign_certificate, load_pem
from connector.trust.tls import client_context

TERMINAL = frozenset({"done", "refused", "held", "dead"})
IPP = "000003"


def tell(stage: Stage, teller: Teller) -> bool:
    """Runs every step; True when each claim was verified."""
    _start(stage, teller)
    _admission(stage, teller)
    _letter(stage, teller)
    _twice(stage, teller)
    _lost_answer(stage, teller)
    _refused_at_the_door(stage, teller)
    _waits(stage, teller)
    _refused_by_the_dmp(stage, teller)
    _structure_certificate(stage, teller)
    _wrong_certificate(stage, teller)
    _replaced(stage, teller)
    _deleted(stage, teller)
    _opposition(stage, teller)
    _next(stage, teller)
    return teller.good


def _start(stage: Stage, teller: Teller) -> None:
    with teller.step("The stage"):
        teller.line("simulator", f"DMP over mutual TLS at {stage.simulator.urls['base']}")
        teller.line(
            "simulator", f"identity server (ITI-9) on MLLP port {stage.simulator.query_port}, Pro Santé Connect"
        )
        teller.line(
            "connector",
            f"its own process, MLLP port {stage.settings.listener.port}, journal {stage.settings.journal.url}",
        )
        teller.line("keys", "CA, SIGN and AUTH_CLI certificates made just now, for this run only")


def _admission(stage: Stage, teller: Teller) -> None:
    with teller.step("An admission becomes an identity query, a DMP search and retrieved documents"):
        stage.log_on()
        teller.line("professional", "Dr THOMAS Eric is logged on to Pro Santé Connect (simulated)")
        ack, milliseconds = stage.send(stage.sample("adt-a01-admission.er7"))
        teller.line("hospital", "ADT^A01, INS qualified, ZFA: fed unless opposed, consents to consultation")
        _say_ack(teller, ack, milliseconds)
        lines = stage.wait("the admission", lambda found: _ended(found, "ADT0001"), control_id="ADT0001")
        _say_lines(teller, lines)
        teller.check("acknowledged AA, then worked off", ack.code == "AA" and lines[-1].state_to == "done")
        files = sorted(p for p in stage.settings.consultation.output_folder.rglob("*") if p.is_file())
        for path in files:
            teller.line("retrieved", f"{path.relative_to(stage.folder)} ({path.stat().st_size} bytes)")
        sidecars = [json.loads(p.read_text(encoding="utf-8")) for p in files if p.suffix == ".json"]
        teller.check("the lab report is here, with its sidecar", [s["typeCode"] for s in sidecars] == ["11502-2"])


def _letter(stage: Stage, teller: Teller) -> None:
    with teller.step("A discharge letter goes to the DMP, the hospital gets its business acknowledgement"):
        ack, milliseconds = stage.send(stage.sample("mdm-t02-lettre-de-liaison.er7"))
        teller.line("hospital", "MDM^T02 with a CDA level 1 (PDF inside), for the DMP, acknowledgement wanted")
        _say_ack(teller, ack, milliseconds)
        _say_lines(teller, stage.wait("the letter", lambda found: _ended(found, "MDM0001"), control_id="MDM0001"))
        _say_zam(stage, teller, 1)
        teller.check("the DMP accepted it exactly once", _acceptances(stage, LETTER_ID) == 1)


def _twice(stage: Stage, teller: Teller) -> None:
    with teller.step("The same letter again, under another message number: nothing is ever twice"):
        again = stage.sample("mdm-t02-lettre-de-liaison.er7").replace(b"MDM0001", b"MDM0101")
        ack, milliseconds = stage.send(again)
        _say_ack(teller, ack, milliseconds)
        lines = stage.wait(
            "the repetition", lambda found: any(x.event == "doublon" for x in found), control_id="MDM0101"
        )
        _say_lines(teller, lines)
        _say_zam(stage, teller, 2)
        teller.check("still accepted once by the DMP", _acceptances(stage, LETTER_ID) == 1)


def _lost_answer(stage: Stage, teller: Teller) -> None:
    with teller.step("The DMP accepts, then the line is cut: the connector asks before it resends"):
        message, unique_id = fresh_letter(stage.sample("mdm-t02-lettre-de-liaison.er7"), "MDM0201", random_uuid())
        stage.simulator.faults.add(FaultRule("cut-after", transaction="ITI-41", unique_id=unique_id))
        stage.send(message)
        lines = stage.wait("the cut letter", lambda found: _ended(found, "MDM0201"), control_id="MDM0201")
        _say_lines(teller, lines)
        _say_zam(stage, teller, 3)
        teller.check("accepted exactly once", _acceptances(stage, unique_id) == 1)


def _refused_at_the_door(stage: Stage, teller: Teller) -> None:
    with teller.step("Refused at the door: what the sender must mend (acknowledgement AE)"):
        for name in ("mdm-t02-autre-patient", "mdm-t02-pas-un-cda", "mdm-t02-sans-ins", "mdm-t02-ordre-incoherent"):
            ack, milliseconds = stage.send(stage.sample(f"{name}.er7"))
            teller.line("hospital", name)
            _say_ack(teller, ack, milliseconds)
            teller.check("refused, and the refusal says what and where", ack.code == "AE" and bool(ack.errors))


def _waits(stage: Stage, teller: Teller) -> None:
    with teller.step("Identity back to provisional: the letter waits, and leaves when the identity is qualified again"):
        stage.send(stage.sample("adt-a31-identite-provisoire.er7"))
        message, unique_id = fresh_letter(stage.sample("mdm-t02-lettre-de-liaison.er7"), "MDM0301", random_uuid())
        stage.send(message)
        _say_lines(teller, stage.wait("the wait", lambda found: _reached(found, "held"), document_id=unique_id))
        teller.check("nothing was sent", _acceptances(stage, unique_id) == 0)
        stage.send(stage.sample("adt-a31-identite-qualifiee.er7"))
        lines = stage.wait("the release", lambda found: _reached(found, "done"), document_id=unique_id)
        _say_lines(teller, lines, only=("release", "succeed"))
        _say_zam(stage, teller, 4)
        teller.check("accepted once after the wait", _acceptances(stage, unique_id) == 1)


def _refused_by_the_dmp(stage: Stage, teller: Teller) -> None:
    with teller.step("Refused by the DMP: its own code, explained in French, and a negative ZAM"):
        message, unique_id = fresh_letter(stage.sample("mdm-t02-lettre-de-liaison.er7"), "MDM0401", random_uuid())
        rule = FaultRule(
            "registry-error",
            transaction="ITI-41",
            unique_id=unique_id,
            code="XDSRegistryMetadataError",
            text="typeCode unknown",
        )
        stage.simulator.faults.add(rule)
        stage.send(message)
        lines = stage.wait("the refusal", lambda found: _reached(found, "refused"), document_id=unique_id)
        _say_lines(teller, lines, only=("refuse",))
        _say_zam(stage, teller, 5)
        teller.check("not accepted, and not tried again blindly", _acceptances(stage, unique_id) == 0)


def _structure_certificate(stage: Stage, teller: Teller) -> None:
    with teller.step("The structure certificate may feed, it may not consult"):
        settings = stage.settings
        pki = stage.simulator.pki
        context = client_context(pki.auth.certificate, pki.auth.key, pki.ca)
        signer = load_pem(pki.sign.certificate, pki.sign.key)
        client = DmpClient(settings.dmp, session=tls_session(context), signer=signer, vihf=settings.vihf)
        caller = structure_caller(settings.caller, settings.keys.structure, authn_instant=utc_now())
        ins = MatriculeIns("279035121518989", settings.pix.ins_domain)
        try:
            client.find_documents(ins, caller, since=None)
            refused = False
        except (ServerRefusal, SoapFault) as error:
            refused = True
            server = first_error(error)
            teller.line("DMP", f"{server.code}: {server.text}")
            teller.line("en clair", describe(explain(server), server))
        teller.check("consultation refused in INDIRECTE mode", refused)


def _wrong_certificate(stage: Stage, teller: Teller) -> None:
    with teller.step("The wrong certificate: refused by name here, and by the DMP for who would try"):
        pki = stage.simulator.pki
        wrong = load_pem(pki.auth.certificate, pki.auth.key)
        for finding in check_sign_certificate(wrong, stage.settings.keys.structure, utc_now()):
            teller.line("au démarrage", f"{finding.text} ({finding.field} : {finding.found})")
        settings = stage.settings
        context = client_context(pki.auth.certificate, pki.auth.key, pki.ca)
        client = DmpClient(settings.dmp, session=tls_session(context), signer=wrong, vihf=settings.vihf)
        caller = structure_caller(settings.caller, settings.keys.structure, authn_instant=utc_now())
        code = ""
        try:
            client.test_existence(MatriculeIns("279035121518989", settings.pix.ins_domain), caller)
        except (ServerRefusal, SoapFault) as error:
            server = first_error(error)
            code = server.code
            teller.line("DMP", f"{server.code}: {server.text}")
            teller.line("en clair", describe(explain(server), server))
        teller.check("DMPInvalidCertificate", code == "DMPInvalidCertificate")


def _replaced(stage: Stage, teller: Teller) -> None:
    with teller.step(
        "A corrected letter replaces the first one: the registry names it, RPLC, the old one is deprecated"
    ):
        stage.send(stage.sample("mdm-t10-remplacement.er7"))
        lines = stage.wait("the replacement", lambda found: _ended(found, "MDM0002"), control_id="MDM0002")
        _say_lines(teller, lines)
        _say_zam(stage, teller, 6)
        states = _states(stage, LETTER_ID), _states(stage, REPLACEMENT_ID)
        teller.check("the old one is deprecated, the new one stands", states == (["Deprecated"], ["Approved"]))


def _deleted(stage: Stage, teller: Teller) -> None:
    with teller.step("The hospital takes it back: TD3.3c, the document is deleted from the DMP"):
        stage.send(stage.sample("mdm-t04-suppression.er7"))
        lines = stage.wait("the deletion", lambda found: _ended(found, "MDM0003"), control_id="MDM0003")
        _say_lines(teller, lines, only=("succeed",))
        _say_zam(stage, teller, 7)
        teller.check("deleted", _states(stage, REPLACEMENT_ID) == ["Deleted"])


def _opposition(stage: Stage, teller: Teller) -> None:
    with teller.step("The patient opposes: no letter leaves any more"):
        stage.send(stage.sample("adt-a01-opposition.er7"))
        message, unique_id = fresh_letter(stage.sample("mdm-t02-lettre-de-liaison.er7"), "MDM0501", random_uuid())
        stage.send(message)
        lines = stage.wait("the opposition", lambda found: _reached(found, "refused"), document_id=unique_id)
        _say_lines(teller, lines, only=("refuse",))
        _say_zam(stage, teller, 8)
        teller.check("nothing was sent", _acceptances(stage, unique_id) == 0)


def _next(stage: Stage, teller: Teller) -> None:
    with teller.step("Where to look next"):
        config = _short(stage.config_path)
        teller.line("timeline", f".venv/bin/connector trace -c {config} --ipp {IPP}")
        teller.line("worklist", f".venv/bin/connector worklist -c {config}")
        teller.line("documents", _short(stage.settings.consultation.output_folder))
        teller.line(
            "the judge", f"{_short(stage.folder / 'simulator' / 'calls.jsonl')}: every call the simulator judged"
        )
        teller.line("by hand", ".venv/bin/connector simulate, then run -c, then send samples/*.er7 --to 127.0.0.1:2575")
        teller.line("for real", 'README.md, "Pointing it at a real DMP"; settings in conf/')


# -- what the steps say --------------------------------------------------------------------------------------------


def _say_ack(teller: Teller, ack: Ack, milliseconds: float) -> None:
    words = "; ".join(f"{e.code} {e.app_code} {e.app_text or e.text} ({e.location})" for e in ack.errors)
    teller.line("ACK", f"{ack.code} in {milliseconds:.1f} ms" + (f" — {words}" if words else ""))


def _say_lines(teller: Teller, lines: list[TimelineLine], only: tuple[str, ...] = ()) -> None:
    for line in lines:
        if line.event in only or (not only and line.event not in ("create", "start")):
            teller.line(line.event, line.text)


def _say_zam(stage: Stage, teller: Teller, count: int) -> None:
    zam = stage.wait_zam(count)
    obx, err = zam.first("OBX"), zam.first("ERR")
    assert obx is not None
    reason = f", {err.get(5, comp=1)} {err.get(5, comp=2)[:90]}" if err is not None else ""
    teller.line("ZAM^Z01", f"received by the hospital: {obx.get(5)} for message {obx.get(4)}{reason}")


def _ended(lines: list[TimelineLine], control_id: str) -> bool:
    """True when every delivery of the message has come to rest (its ZAM included)."""
    states: dict[int, str] = {}
    for line in lines:
        if line.delivery_id is not None and line.state_to:
            states[line.delivery_id] = line.state_to
    return bool(states) and all(state in TERMINAL for state in states.values())


def _states(stage: Stage, unique_id: str) -> list[str]:
    """Status of each entry the registry has under this uniqueId."""
    found = stage.simulator.registry.documents("279035121518989")
    return [entry.item.status.rpartition(":")[2] for entry in found if entry.unique_id == unique_id]


def _repeated(lines: list[TimelineLine]) -> bool:
    return any(line.event == "doublon" for line in lines)


def _reached(lines: list[TimelineLine], state: str) -> bool:
    return any(line.state_to == state for line in lines)


def _acceptances(stage: Stage, unique_id: str) -> int:
    return stage.simulator.world.acceptances().get(unique_id, 0)


def _short(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
