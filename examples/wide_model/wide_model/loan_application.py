"""The record that the model reads, and its fields in the order in which the model file takes them."""

from typing import Literal, TypedDict


class LoanApplication(TypedDict, total=False):
    """One application: a field that is absent or null is a missing value, which the model can do without.

    Money is in euros, shares are between 0 and 1. A text that the model was not trained on counts as missing.
    """

    age: float | None
    income: float | None
    loan_amount: float | None
    loan_term_months: float | None
    interest_rate: float | None
    employment_months: float | None
    debt_ratio: float | None
    open_accounts: float | None
    late_payments: float | None
    card_utilisation: float | None
    savings_balance: float | None
    recent_inquiries: float | None
    dependents: float | None
    address_months: float | None
    employment: str | None
    housing: str | None
    purpose: str | None
    region: str | None
    channel: str | None
    education: str | None


class LoanRisk(TypedDict):
    """A prediction: the more likely class, and the probability of "high" rounded to six decimals."""

    risk: Literal["low", "high"]
    score: float


NUMBERS = (
    "age",
    "income",
    "loan_amount",
    "loan_term_months",
    "interest_rate",
    "employment_months",
    "debt_ratio",
    "open_accounts",
    "late_payments",
    "card_utilisation",
    "savings_balance",
    "recent_inquiries",
    "dependents",
    "address_months",
)
CATEGORIES = {
    "employment": ("salaried", "self_employed", "contract", "retired", "student", "unemployed"),
    "housing": ("owner", "mortgage", "tenant", "family"),
    "purpose": ("car", "home", "education", "medical", "consolidation", "business", "travel"),
    "region": ("north", "south", "east", "west", "centre"),
    "channel": ("branch", "web", "phone", "broker"),
    "education": ("primary", "secondary", "bachelor", "master", "doctorate"),
}
