//! The model, mapping, reconcile, plan and apply of Tallyline, and the HTTP runtime under its connectors.
