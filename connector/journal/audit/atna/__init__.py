"""The lines to an audit repository: IHE ITI-20, DICOM audit messages in syslog over TLS."""
