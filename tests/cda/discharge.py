"""A whole discharge letter of our own: the sound header, a section of each kind, the six events, a medicine."""

from __future__ import annotations

from tests.cda.letters import SOUND

TA_ASIP = "1.2.250.1.213.1.1.4.322"
SNOMED = "2.16.840.1.113883.6.96"
FRAME = "1.2.250.1.213.1.1.3.48"


def section(number: int, template: str, loinc: str, title: str, *entries: str) -> str:
    return (
        f'<component><section><templateId root="1.2.250.1.213.1.1.2.{template}"/><id root="2.25.10{number}"/>'
        f'<code code="{loinc}" codeSystem="2.16.840.1.113883.6.1"/><title>{title}</title>'
        f'<text>Texte : <content ID="s{number}">{title}</content></text>{"".join(entries)}</section></component>'
    )


def event(code: str, template: str, value: str) -> str:
    return (
        f'<entry><observation classCode="OBS" moodCode="EVN"><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.13"/>'
        f'<templateId root="{FRAME}"/>'
        f'<templateId root="{FRAME}.{template}"/><code code="{code}" codeSystem="{TA_ASIP}"/>'
        f'<text><reference value="#s1"/></text><effectiveTime value="20261120"/>{value}</observation></entry>'
    )


def coded(code: str, system: str) -> str:
    return f'<value code="{code}" codeSystem="{system}"/>'


STATUS = event("GEN-065", "16.1", coded("398166005", SNOMED))
EVENTS = (
    event("ORG-070", "6", coded("8715000", SNOMED)),
    event("ORG-074", "7", coded("160849004", SNOMED)),
    event("MED-142", "9", "<value>Suites simples</value>"),
    event("MED-309", "8", '<value value="false"/>'),
    event("MED-145", "10", '<value value="false"/>'),
    event("MED-147", "2", '<value value="false"/>'),
)
TREATMENT = """<entry><substanceAdministration>
  <templateId root="1.2.250.1.213.1.1.3.42"/><templateId root="2.16.840.1.113883.10.20.1.24"/>
  <templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.7"/>
  <text><reference value="#s4"/></text>
  <effectiveTime><low value="20261120"/><high value="20261220"/></effectiveTime>
  <doseQuantity><low value="1" unit="{tbl}"/><high value="2" unit="{tbl}"/></doseQuantity>
  <consumable><manufacturedProduct><manufacturedMaterial>
    <code code="60019927" codeSystem="1.2.250.1.213.2.3.1">
      <translation code="3400934874741" codeSystem="1.2.250.1.213.2.3.2"/>
      <translation code="3400932857241" codeSystem="1.2.250.1.213.2.62"/>
      <translation code="N05AL05" codeSystem="2.16.840.1.113883.6.73"/>
    </code><name>Traitements</name></manufacturedMaterial></manufacturedProduct></consumable>
</substanceAdministration></entry>"""

SECTIONS = (
    section(1, "35.1", "33557-0", "Statut du document", STATUS),
    section(2, "127", "42349-1", "Motif"),
    section(3, "163.1", "42545-4", "Synthèse", *EVENTS),
    section(4, "146", "10183-2", "Traitements à la sortie", TREATMENT),
    section(5, "137", "48765-2", "Allergies"),
)


def with_sections(*sections: str) -> str:
    return SOUND.replace("<structuredBody/>", f"<structuredBody>{''.join(sections)}</structuredBody>")


DISCHARGE = with_sections(*SECTIONS)
