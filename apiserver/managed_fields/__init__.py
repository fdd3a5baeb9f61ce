"""Server-side apply, and the record of who has set which fields of an object (metadata.managedFields).

From the bottom up: :mod:`elements` name one step into a document, :mod:`field_sets` are sets of paths of them;
:mod:`types` reads from the models how each value is owned; :mod:`walk`, :mod:`compare`, :mod:`merge` and :mod:`check`
go through documents by these types; :mod:`managers` holds who owns what, :mod:`updater` says what a write does to that,
and :mod:`field_manager` is what the handlers call.

Source: Kubernetes documents, "Server-Side Apply"; KEP-555.
"""
