"""The rules, one row each; a new one is a row here and a mutation in tests/render/test_pdfa.py."""

from __future__ import annotations

from typing import Final

from connector.render.pdfa import acts, colours, fonts, metadata, structure
from connector.render.pdfa.model import Rule

RULES: Final = (
    Rule("PDFA-01", "6.1.2", structure.header),
    Rule("PDFA-02", "6.1.2", structure.binary_comment),
    Rule("PDFA-03", "6.1.3", structure.identifier),
    Rule("PDFA-04", "6.1.3", structure.encryption),
    Rule("PDFA-05", "6.1.3", structure.nothing_after_the_end),
    Rule("PDFA-06", "6.1.4", structure.cross_reference_table),
    Rule("PDFA-07", "6.1.7", structure.external_streams),
    Rule("PDFA-08", "6.1.10", structure.lzw),
    Rule("PDFA-09", "6.1.11", structure.embedded_files),
    Rule("PDFA-10", "6.1.13", structure.optional_content),
    Rule("PDFA-20", "6.7.2", metadata.present),
    Rule("PDFA-21", "6.7.11", metadata.identification),
    Rule("PDFA-22", "6.7.3", metadata.consistent),
    Rule("PDFA-30", "6.2.2", colours.output_intent),
    Rule("PDFA-31", "6.2.2", colours.profile),
    Rule("PDFA-32", "6.4", colours.transparency),
    Rule("PDFA-33", "6.2.4", colours.images),
    Rule("PDFA-34", "6.2.8", colours.transfer_functions),
    Rule("PDFA-35", "6.2.7", colours.postscript),
    Rule("PDFA-40", "6.3.4", fonts.embedded),
    Rule("PDFA-50", "6.6.1", acts.javascript),
    Rule("PDFA-51", "6.6.1", acts.actions),
    Rule("PDFA-52", "6.6.2", acts.triggers),
    Rule("PDFA-53", "6.5.2", acts.annotation_types),
    Rule("PDFA-54", "6.9", acts.forms),
)
