"""The dashboard: a page to leave open. `app.create_app` builds it on whatever implements `ports.SuiteApi`."""
