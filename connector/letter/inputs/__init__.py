"""How a letter comes in: JSON, YAML, a row of a CSV, a file with its header; and what is known completes it."""

from connector.letter.inputs.completing import Facts, complete
from connector.letter.inputs.enclosing import enclose
from connector.letter.inputs.mapping import CsvMapping, mapping_of, read_mapping
from connector.letter.inputs.parsing import from_json, read_data
from connector.letter.inputs.table import Row, read_table
from connector.letter.inputs.yamlfile import from_yaml

__all__ = [
    "CsvMapping",
    "Facts",
    "Row",
    "complete",
    "enclose",
    "from_json",
    "from_yaml",
    "mapping_of",
    "read_data",
    "read_mapping",
    "read_table",
]
