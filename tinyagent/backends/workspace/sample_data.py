"""What the sample workspace holds, save for the PDFs. All of it is invented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Person:
    """A contact or a group; fields as in ``vcards.Contact``."""

    name: str
    email: str = ""
    phone: str = ""
    nicknames: tuple[str, ...] = ()
    role: str = ""
    organisation: str = ""
    group: bool = False
    addresses: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class SampleEvent:
    """An event ``days`` from today at "HH:MM"; at "" it lasts all day."""

    days: int
    at: str
    minutes: int
    title: str
    calendar: str
    location: str = ""
    invitees: tuple[str, ...] = ()


@dataclass(frozen=True)
class SampleReminder:
    """A reminder due ``days`` from today, or at no time."""

    name: str
    list_name: str
    days: int | None = None
    priority: int = 0


@dataclass(frozen=True)
class SampleMail:
    """A received message; ``attachment`` is a key of ``TABLES``."""

    hours_ago: int
    sender: str
    subject: str
    text: str
    attachment: str = ""


PEOPLE = (
    Person(
        "Jordan Reyes",
        "jordan.reyes@example.com",
        "+1 416 555 0100",
        ("me",),
        addresses={
            "HOME": ("48 Maple Street", "Toronto"),
            "WORK": ("200 King Street West", "Toronto"),
        },
    ),
    Person(
        "Sid Patel",
        "sid.patel@example.com",
        "+1 416 555 0101",
        organisation="Northwind",
    ),
    Person("Lutfi Erdogan", "lutfi.erdogan@example.com", "+1 416 555 0102"),
    Person("Elena Reyes", "elena.reyes@example.net", "+1 416 555 0103", ("Mom",)),
    Person("Tomás Reyes", "tomas.reyes@example.net", "+1 416 555 0104", ("Dad", "Baba")),
    Person("Dr. Ama Osei", "ama.osei@clinic.example", "+1 416 555 0105", role="Dentist"),
    Person("Walter Novak", "walter.novak@example.org", "+1 416 555 0106", role="Landlord"),
    Person(
        "Priya Raghunathan",
        "priya@northwind.example",
        "+1 416 555 0107",
        role="Boss",
        organisation="Northwind",
    ),
    Person("Alex Kim", "alex.kim@example.com", "+1 416 555 0108", organisation="Northwind"),
    Person("Alex Moreau", "alex.moreau@example.org", "+1 416 555 0109"),
    Person("Robert Lindqvist", "robert.lindqvist@example.com", "+46 70 174 06 05"),
    Person("Zoë Müller", "zoe.mueller@example.net", "+49 152 28817386"),
    Person("Beatrix Molnár", "beatrix.molnar@example.com", "+1 416 555 0111"),
    Person("Chinedu Okafor", "chinedu.okafor@example.com", "+1 416 555 0112"),
    Person("Fatima Zahra Benali", "fatima.benali@example.org", "+1 416 555 0113"),
    Person("Hiroshi Tanaka", "hiroshi.tanaka@example.com", "+1 416 555 0114"),
    Person("李娜", "li.na@example.com", "+1 416 555 0115", ("Li Na",)),
    Person("Siobhán O'Brien", "siobhan.obrien@example.net", "+44 7700 900116"),
    Person("Søren Kjær", "soren.kjaer@example.com", "+1 416 555 0117"),
    Person("Nguyễn Thị Mai", "mai.nguyen@example.com", "+1 416 555 0118", ("Mai",)),
    Person("Gabriela Souza", "gabriela.souza@example.com", "+1 416 555 0119", ("Gabi",)),
    Person("Kahu Parata", "kahu.parata@example.org", "+1 416 555 0120"),
    Person("Дмитрий Волков", "dmitri.volkov@example.com", "+1 416 555 0121", ("Dmitri",)),
    Person(
        "Marta Kowalska",
        "marta@greenleaf.example",
        role="Caterer",
        organisation="Greenleaf",
    ),
    Person("Ibrahim Diallo", "", "+1 416 555 0122", role="Plumber"),
    Person("Marketing team", "marketing@northwind.example", group=True),
    Person("Design team", "design@northwind.example", group=True),
    Person("Book club", "bookclub@lists.example.org", group=True),
)
"""The first one is the owner, as the nickname "me" says."""

EVENTS = (
    SampleEvent(
        -1,
        "10:00",
        30,
        "Weekly check-in",
        "Work",
        invitees=("priya@northwind.example",),
    ),
    SampleEvent(0, "16:00", 45, "Project Aurora stand-up", "Work", "Room 4B"),
    SampleEvent(
        1,
        "10:30",
        60,
        "Design critique",
        "Work",
        invitees=("design@northwind.example",),
    ),
    SampleEvent(2, "08:15", 30, "Dentist", "Home", "Osei Dental, 12 Bloor Street"),
    SampleEvent(3, "19:00", 120, "Book club", "Home", "Siobhán's place"),
    SampleEvent(5, "", 60, "Mom's birthday", "Family"),
    SampleEvent(8, "14:00", 60, "Quarterly planning", "Work", "Board room"),
    SampleEvent(12, "07:40", 440, "Flight to Lisbon", "Travel", "Toronto Pearson Airport"),
)

REMINDERS = (
    SampleReminder("Pay the rent", "Reminders", 6, 1),
    SampleReminder("Renew the library card", "Reminders"),
    SampleReminder("Send the agenda to Sid", "Work", 1, 5),
    SampleReminder("Book a room for the planning day", "Work", 3),
    SampleReminder("Olive oil", "Shopping"),
    SampleReminder("Light bulbs", "Shopping"),
)

NOTES = {
    "Notes/Packing List": "- [ ] Passport\n- [ ] Phone charger\n- [ ] Rain jacket\n- [ ] Book\n",
    "Notes/Groceries": "- Bread\n- Eggs\n- Spinach\n- Coffee beans\n",
    "Notes/WiFi Passwords": (
        "Home: maple-otter-48\nGuests: welcome-in-48\nCottage: ask Walter, the router is new\n"
    ),
    "Notes/Gift Ideas": "- Mom: the blue teapot\n- Dad: a headlamp\n- Zoë: concert tickets\n",
    "Work/Meeting Notes": (
        "# Project Aurora\n\n- Launch moves to the second week of the quarter\n"
        "- Sid owns the pricing page, Lutfi the data export\n- Open: who writes the release note\n"
    ),
    "Work/Agenda": (
        "# Budget review\n\n1. Q3 actuals against plan (Lutfi)\n2. Hosting costs (Sid)\n"
        "3. Hiring in Q4\n4. Decisions and owners\n"
    ),
    "Work/Onboarding": "- Laptop and badge\n- Read the handbook\n- Coffee with the design team\n",
    "Work/Release Checklist": "- Freeze on Tuesday\n- Translations\n- Rollback plan\n- Status\n",
    "Personal/Book Club": (
        "Next: The Left Hand of Darkness, at Siobhán's place\nBring: something with rhubarb\n"
    ),
    "Personal/Garden Log": "Sowed peas along the fence.\nFirst tomatoes are setting.\n",
    "Personal/Running Log": "5 km in 29 minutes, easy.\n8 km by the lake, windy.\n",
    "Recipes/Lentil Soup": "Red lentils, cumin, one lemon, two carrots. Simmer for 25 minutes.\n",
    "Recipes/Sourdough": "Feed the starter at 8. Fold four times. Bake at 240 °C, 20 min.\n",
}
"""Text by "folder/name"."""

TEXTS = {
    "Work/Launch checklist.txt": (
        "Project Aurora: launch checklist\n\n[ ] Pricing page reviewed\n[ ] Export tested with "
        "10,000 rows\n[ ] Support articles written\n[ ] Status page prepared\n"
    ),
    "Travel/Lisbon itinerary.txt": (
        "Day 1  Arrive 19:55, Hotel Tejo\nDay 2  Alfama on foot, dinner with Gabriela\n"
        "Day 3  Train to Sintra\nDay 4  Museum of Tiles, flight home 17:20\n"
    ),
    "Home/Appliance warranties.txt": (
        "Dishwasher: 2 years from March\nBoiler: see the manual, service once a year\n"
    ),
}

TABLES = {
    "Finance/Q4 forecast.csv": (
        ("Category", "October", "November", "December"),
        ("Hosting", "18400", "18900", "21200"),
        ("Salaries", "212000", "212000", "219500"),
        ("Travel", "6200", "4100", "2500"),
    ),
    "Work/Team roster.csv": (
        ("Name", "Team", "Desk"),
        ("Sid Patel", "Product", "4B-12"),
        ("Lutfi Erdogan", "Data", "4B-15"),
        ("Alex Kim", "Design", "3A-02"),
    ),
}
"""Rows by path below ``files/``."""

MAILS = (
    SampleMail(
        70,
        "Walter Novak <walter.novak@example.org>",
        "Boiler service next week",
        "Hello Jordan,\n\nthe engineer can come on Tuesday or Thursday morning. Which suits?\n\n"
        "Walter\n",
    ),
    SampleMail(
        50,
        "Marta Kowalska <marta@greenleaf.example>",
        "Menu for the team lunch",
        "Dear Jordan,\n\nattached you will find who has answered so far. We need the final number "
        "by Friday.\n\nMarta Kowalska, Greenleaf\n",
        "Work/Team roster.csv",
    ),
    SampleMail(
        26,
        "Siobhán O'Brien <siobhan.obrien@example.net>",
        "Book club at mine",
        "Hi all,\n\nbook club is at my place this time. Bring a chair if you can!\n\nSiobhán\n",
    ),
    SampleMail(
        5,
        "Priya Raghunathan <priya@northwind.example>",
        "Numbers for Q3",
        "Jordan,\n\ncould you send Lutfi a summary of the Q3 budget, with Sid in copy? I want "
        "to talk it through before the quarterly planning.\n\nPriya\n",
    ),
    SampleMail(
        2,
        "Sid Patel <sid.patel@example.com>",
        "Dinner on Friday?",
        "Hey Jordan,\n\nLutfi and I booked a table at the Harbour Grill for Friday at 7. Can you "
        "make it? I need to confirm the number by tomorrow noon.\n\nSid\n",
    ),
)

SELECTED = 5
"""Number of the message in hand, from 1."""
