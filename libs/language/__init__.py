"""Text into language, sensitivity, entities, categories, a summary and questions, offline.

Pure functions over editable data files: no network, no model, no dependency. It reads Nepali in
Devanagari, Nepali in Latin letters, and English. Maithili, Bhojpuri, Tharu and Hindi are taken
for Nepali. What it says is a suggestion for a person to confirm; only `triage` decides anything,
and it decides on the side of caution.
"""
