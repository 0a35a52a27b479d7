"""A CDA as a page: any document, in French, self-contained, with nothing that runs and nothing fetched.

`to_html` is the whole of it; `facts_missing` says which facts a reader of the page would not find.
"""

from connector.render.html.facts import facts_missing, html_text
from connector.render.html.model import Attachment, Html
from connector.render.html.page import to_html

__all__ = ["Attachment", "Html", "facts_missing", "html_text", "to_html"]
