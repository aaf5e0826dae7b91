"""The record that the model reads, and its fields in the order in which the model file takes them."""

from typing import Literal, TypedDict

import msgspec


class LoanApplication(msgspec.Struct, frozen=True, gc=False):
    """One application: a field that is absent or null is a missing value, which the model can do without.

    Money is in euros, shares are between 0 and 1. A text that the model was not trained on counts as missing.
    A Struct with this many fields is decoded in less than half the time that a dict takes.
    """

    age: float | None = None
    income: float | None = None
    loan_amount: float | None = None
    loan_term_months: float | None = None
    interest_rate: float | None = None
    employment_months: float | None = None
    debt_ratio: float | None = None
    open_accounts: float | None = None
    late_payments: float | None = None
    card_utilisation: float | None = None
    savings_balance: float | None = None
    recent_inquiries: float | None = None
    dependents: float | None = None
    address_months: float | None = None
    employment: str | None = None
    housing: str | None = None
    purpose: str | None = None
    region: str | None = None
    channel: str | None = None
    education: str | None = None


class LoanRisk(TypedDict):
    """A prediction: the more likely class, and the probability of "high" rounded to six decimals."""

    risk: Literal["low", "high"]
    score: float


CATEGORIES = {
    "employment": ("salaried", "self_employed", "contract", "retired", "student", "unemployed"),
    "housing": ("owner", "mortgage", "tenant", "family"),
    "purpose": ("car", "home", "education", "medical", "consolidation", "business", "travel"),
    "region": ("north", "south", "east", "west", "centre"),
    "channel": ("branch", "web", "phone", "broker"),
    "education": ("primary", "secondary", "bachelor", "master", "doctorate"),
}
# The model takes its numbers first, then its texts.
NUMBERS = tuple(name for name in LoanApplication.__struct_fields__ if name not in CATEGORIES)
