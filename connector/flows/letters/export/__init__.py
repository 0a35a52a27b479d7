"""Letters by the thousand: read, completed, built, checked, then handed to the pipeline or written to a folder."""
