"""A CDA, or a plain text, as PDF/A-1b. An existing PDF is never converted: it is handed on, and that is said."""

from connector.render.pdf.make import Pdf, PdfError, text_to_pdf, to_pdf

__all__ = ["Pdf", "PdfError", "text_to_pdf", "to_pdf"]
