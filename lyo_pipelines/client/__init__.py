"""A client of Dagster: starts or joins the UI, launches by GraphQL, watches, and prints. No stage's logic is here."""
