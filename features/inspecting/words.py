"""The words by which ``trialwise init`` recognises columns, in English, Turkish and German. Data, no code.

Names are compared folded, and the earlier name of a list wins.
"""

from __future__ import annotations

LEAD_COLUMNS = (
    "lead_id",
    "user_id",
    "userid",
    "customer_id",
    "distinct_id",
    "person_id",
    "contact_id",
    "visitor_id",
    "student_id",
    "member_id",
    "prospect_id",
    "kullanıcı_id",
    "müşteri_id",
    "nutzer_id",
    "kunden_id",
    "id",
    "uuid",
    "lead",
    "user",
    "customer",
    "account_id",
    "email",
)
NAME_COLUMNS = (
    "event",
    "event_name",
    "eventname",
    "event_type",
    "action",
    "activity",
    "name",
    "type",
    "olay",
    "ereignis",
    "kind",
)
TIME_COLUMNS = (
    "timestamp",
    "at",
    "occurred_at",
    "event_time",
    "event_timestamp",
    "original_timestamp",
    "sent_at",
    "time",
    "datetime",
    "created_at",
    "date",
    "event_date",
    "day",
    "ts",
    "tarih",
    "zaman",
    "zeitpunkt",
    "datum",
)
MESSAGE_COLUMNS = ("message_id", "messageid", "event_id", "eventid", "uuid", "insert_id", "$insert_id", "id")
RECEIVED_COLUMNS = ("received_at", "ingested_at", "loaded_at", "inserted_at")
COUNT_COLUMNS = ("count", "n", "times", "occurrences", "clicks", "event_count", "adet", "anzahl")
START_COLUMNS = (
    "started_at",
    "signed_up_at",
    "trial_started_at",
    "trial_start",
    "signup_at",
    "signup_date",
    "sign_up_date",
    "registered_at",
    "registration_date",
    "date_registered",
    "started",
    "start_date",
    "trial_started",
    "trial_start_date",
    "signed_up",
    "signup_time",
    "registered",
    "registration_time",
    "created_at",
    "created_date",
    "create_date",
    "date_created",
    "creation_time",
    "creation_date",
    "created",
    "joined_at",
    "join_date",
    "kayıt_tarihi",
    "registriert_am",
    "erstellt_am",
)
END_COLUMNS = (
    "ended_at",
    "cancelled_at",
    "canceled_at",
    "churned_at",
    "deleted_at",
    "unregistered_at",
    "closed_at",
    "iptal_tarihi",
)
TRIAL_END_COLUMNS = ("trial_ends_at", "trial_end", "trial_ended_at", "trial_end_date", "trial_expires_at")
ACCOUNT_COLUMNS = (
    "account_id",
    "org_id",
    "organization_id",
    "organisation_id",
    "company_id",
    "workspace_id",
    "team_id",
    "group_id",
    "account",
)
CONVERTED_COLUMNS = (
    "converted",
    "is_converted",
    "paid",
    "is_paid",
    "is_customer",
    "purchased",
    "subscribed",
    "won",
    "conversion",
    "target",
    "label",
)
CONVERSION_TIME_COLUMNS = (
    "converted_at",
    "paid_at",
    "purchased_at",
    "subscribed_at",
    "conversion_date",
    "purchase_date",
    "date_purchased",
    "payment_date",
    *TIME_COLUMNS,
)
CONTACT_COLUMNS = {
    "email": ("email", "e_mail", "email_address", "work_email", "mail", "eposta", "e_posta"),
    "name": ("full_name", "name", "contact_name", "display_name", "ad_soyad", "vollständiger_name"),
    "company": ("company", "company_name", "organization", "organisation", "account_name", "şirket", "firma", "unternehmen"),
    "owner": ("owner", "owner_email", "account_owner", "sales_owner", "sorumlu", "betreuer"),
}
PERSONAL_WORDS = frozenset(
    (
        "email",
        "mail",
        "phone",
        "telephone",
        "mobile",
        "address",
        "name",
        "firstname",
        "lastname",
        "ip",
        "telefon",
        "adres",
        "soyad",
    )
)
"""Columns with such a word identify a person: they are not proposed as attributes."""

DURATION_WORDS = frozenset(("duration", "seconds", "secs", "süre", "dauer"))
AMOUNT_WORDS = frozenset(("amount", "price", "revenue", "total", "tutar", "betrag", "umsatz"))

LATER_WORDS = frozenset(
    (
        "last",
        "latest",
        "recent",
        "current",
        "updated",
        "modified",
        "status",
        "stage",
        "tag",
        "tags",
        "quality",
        "score",
        "index",
        "profile",
        "owner",
        "lifecycle",
        "son",
        "durum",
        "aşama",
        "etiket",
        "puan",
        "letzte",
        "letzter",
        "stufe",
        "bewertung",
    )
)
"""Columns with such a word are often written or updated after sign-up: they are proposed only as comments."""

MISSING_WORDS = ("Select", "N/A", "n/a", "NA", "NULL", "null", "None", "none", "nan", "NaN", "-", "?", "(not set)", "undefined")
