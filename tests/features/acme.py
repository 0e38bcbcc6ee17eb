"""The workspace file of the design page, whole."""

ACME = """\
version: 1
name: acme                        # also the MLflow experiment and the registered model
language: en                      # en | tr | de: default of every sentence
timezone: UTC                     # day and hour boundaries; an IANA name
data:
  leads:       {source: leads.csv.gz, id: lead_id, started_at: signed_up_at, ended_at: cancelled_at, trial_ends_at: trial_end,
                account: org_id, converted: paid, where: {module: BBB}, missing: [Select], zone: UTC}
  events:      {source: [tracks.parquet, pages.parquet], lead: user_id, name: event, at: timestamp, id: message_id,
                received_at: received_at, count: n, properties: [duration_s, amount, score], zone: UTC}
  conversions: {source: conversions.csv.gz, lead: lead_id, at: converted_at}
  identities:  {source: merges.csv, from: anonymous_id, to: user_id, at: merged_at}
  contacts:    {source: contacts.csv, lead: lead_id, at: at, play: play, result: result}
resolution: {events: second, conversions: second}     # or day
trial: {days: 14}                 # or {days: none}: freemium; then {inactive_days: 60} closes a lead
label: {horizon_days: 30, gap_hours: 0}
snapshots: {ages_days: [1, 3, 7, 14]}                 # default: eight ages over the trial, denser early
sessions: {gap_minutes: 30}
behaviours:                       # their events -> our behaviours; an event may have several
  session:        {events: [app_opened, login], duration: duration_s}
  core_use:       {events: ["feature.*"]}             # each distinct name is one feature of the product
  milestone:      {events: [project_created, email_sent], reach: [1, 5, 10]}
  purchase_intent: {events: [upgrade_page_viewed, "page:/pricing*"]}
  add_on:         {events: [addon_bought], amount: amount}
  support:        {events: ["ticket.*", chat_started]}
  education:      {events: ["webinar.*", docs_viewed]}
  community:      {events: ["forum.*"]}
  profile:        {events: ["profile.*"], traits: [name, company, photo]}
  positive_feedback: {events: [thumbs_up, {event: nps_answered, where: {score: {ge: 9}}}]}
  negative_feedback: {events: [thumbs_down, {event: nps_answered, where: {score: {le: 6}}}]}
  collaboration:  {events: [invite_sent, teammate_joined]}
  advocacy:       {events: [shared, referred]}
  friction:       {events: ["error.*"]}
  marketing:      {events: ["campaign.*", webinar_invite_opened]}
  sales:          {events: [demo_booked, call_completed]}
features:  {exports_7d: {count: [feature.export], window: 7d, behaviour: core_use}}   # the user's own, one line each
attributes: {country: category, company_size: number, channel: category}   # what is known at sign-up
exclude: []                       # columns and features never used
allow: []                         # columns that the leakage audit asked about and a person vouches for
ignore: {email: ["*@acme.com"]}   # test accounts: not in training, lists or scores
contact: {email: email, name: full_name, company: company, owner: owner}   # carried to outputs; never a feature, never logged
capacity: {contacts_per_week: 50} # or {contact_cost: 20, conversion_value: 600}: sets the PQL threshold
scorecard: {base_rate: 0.05, points: {purchase_intent_count_7d: 0.8}}
stages: {mql: [marketing], sql: [sales], pql_probability: 0.3}
plays: {show_around: {text: {en: A live demo, tr: Canlı gösterim}, moves: [core_use], cost: 20, suits: {country: [DE, NO]}}}
phrases: {exports_7d: {en: Exported, de: Exportiert}}
ideal_customer: {company_size: {ge: 10}, country: NO}
webhooks: {crm: {url: "https://crm.example/hook", secret: "${HOOK_SECRET}", on: [stage, grade]}}
hold_out: 0.05
"""
