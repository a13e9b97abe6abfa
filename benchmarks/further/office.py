"""Nineteen tools of an office, as a person might add them; they do nothing."""

from datetime import date, datetime
from typing import Literal

from tinyagent import tool
from tinyagent.tools.kinds import Text


@tool(changes=False)
def exchange_rate(amount: float, base: str, quote: str = "EUR") -> str:
    """Convert an amount of money from one currency to another at today's exchange rate.

    amount: how much
    base: the currency it is in
    quote: the currency to convert it to
    """
    return f"{amount} {base} in {quote}"


@tool(changes=False)
def stock_price(company: str) -> str:
    """Look up the share price of a company on the stock market.

    company: its name or ticker symbol
    """
    return f"{company}: 101.20"


@tool
def translate_text(text: str, language: str) -> str:
    """Translate words or a text into another language.

    text: what to translate
    language: into which language
    """
    return f"{text} ({language})"


@tool(changes=False)
def define_word(word: str) -> str:
    """Look up what a word means in the dictionary.

    word: the word
    """
    return word


@tool(changes=False)
def flight_status(flight: str, day: date | None = None) -> str:
    """Tell whether a flight is on time, delayed or cancelled.

    flight: its number
    day: which day; today if left out
    """
    return f"{flight}: on time {day or ''}"


@tool(changes=False)
def train_connections(origin: str, destination: str, at: datetime | None = None) -> str:
    """Look up train departures and connections between two stations.

    origin: the station it leaves from
    destination: the station it goes to
    at: when; now if left out
    """
    return f"{origin} to {destination} {at or ''}"


@tool
def book_taxi(pickup: str, at: datetime | None = None) -> None:
    """Order a taxi or a cab to pick you up.

    pickup: where
    at: when; now if left out
    """


@tool
def book_restaurant(restaurant: str, at: datetime, guests: int = 2) -> None:
    """Reserve a table at a restaurant.

    restaurant: which one
    at: when
    guests: for how many
    """


@tool(changes=False)
def track_parcel(number: str) -> str:
    """Track where a parcel is and when it will be delivered.

    number: the tracking number
    """
    return number


@tool
def create_ticket(title: str, priority: Literal["low", "normal", "high"] = "normal") -> str:
    """File a bug report or an issue in the issue tracker.

    title: what is wrong
    priority: how urgent it is
    """
    return f"{title} ({priority})"


@tool
def assign_ticket(number: int, person: str) -> None:
    """Assign an issue of the issue tracker to a developer.

    number: of the issue
    person: who is to work on it
    """


@tool(changes=False)
def build_status(branch: str = "main") -> str:
    """Tell whether the last build and its tests passed.

    branch: of the repository
    """
    return f"{branch}: green"


@tool
def deploy_release(version: str, environment: Literal["staging", "production"]) -> None:
    """Deploy a version of the software to a server environment.

    version: which one
    environment: where
    """


@tool
def post_to_channel(channel: str, text: Text) -> None:
    """Post a message in a team chat channel on Slack.

    channel: its name
    text: what to post
    """


@tool
def track_time(project: str, hours: float) -> None:
    """Log working hours on a project in the time sheet.

    project: which one
    hours: how many
    """


@tool
def record_expense(amount: float, what: str) -> None:
    """Record an expense or a receipt for reimbursement.

    amount: how much it cost
    what: what was bought
    """


@tool
def print_document(document: str, copies: int = 1) -> None:
    """Print a document on the office printer.

    document: which one
    copies: how many
    """


@tool
def book_meeting_room(room: str, at: datetime) -> None:
    """Reserve a conference room in the office building.

    room: which one
    at: from when
    """


@tool(changes=False)
def query_sales(region: str, quarter: str = "") -> str:
    """Look up the sales figures and revenue of a region in the database.

    region: which one
    quarter: such as Q3; the current one if left out
    """
    return f"{region} {quarter}"
