"""Floor 1: the durable journal (messages, deliveries, timeline) and the engine that works it off.

Store first, then acknowledge (design rule 5); one life cycle table (design rule 6); per patient, strict order.
"""
