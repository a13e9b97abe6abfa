"""The text of the sample's PDFs, page by page: long enough to be worth a summary."""

from __future__ import annotations

PDFS = {
    "Finance/Q3 budget.pdf": (
        """
Prepared for the quarterly planning. All amounts are in Canadian dollars.

Overview

Northwind spent 724,300 in the third quarter against a plan of 690,000, which is 34,300 or 5.0
percent over. Revenue reached 1,012,000, 22,000 above plan, so that the operating margin fell only
slightly, from 29.6 to 28.4 percent. Two items explain nearly all of the overrun: hosting and
contractors. Salaries, rent and travel stayed within one percent of the plan.

Hosting

Hosting cost 61,800 against 42,000 planned. The data export for Project Aurora was run on large
machines around the clock during its load tests in August, and nobody switched them off for
eleven days. Since then the machines stop by themselves after two idle hours. Without the
incident the quarter would have closed at about 45,000. The contract with the provider is up for
renewal in November; a commitment of one year would lower the price by 18 percent.
""",
        """
Contractors

Contractors cost 38,500 against 24,000. The design of the pricing page took six weeks longer than
estimated, because two rounds of interviews with customers changed its structure. The work is
finished, and no further contractor is booked for the fourth quarter.

Outlook for the fourth quarter

The plan for the fourth quarter is 705,000. It holds one new position in support from November,
and a reserve of 15,000 for the launch of Project Aurora. The largest risk is the exchange rate,
as a third of the hosting is billed in US dollars.

Decisions needed

1. Sign the one-year commitment for hosting (saves about 8,000 a quarter).
2. Open the position in support on the first of November.
3. Move the unspent training budget of 9,200 to the launch reserve.
""",
    ),
    "Home/Lease agreement.pdf": (
        """
Between Walter Novak (the landlord) and Jordan Reyes (the tenant), for the flat on the second
floor of 48 Maple Street, Toronto.

1. Term. The lease runs for twelve months from the first of September, and continues from month
to month afterwards unless either side gives notice.

2. Rent. The rent is 2,150 dollars a month, due on the first day of the month. It includes water
and heating, but not electricity or internet. A payment that is more than five days late costs a
fee of 40 dollars.

3. Deposit. The tenant has paid the last month's rent in advance. It bears interest each year.
""",
        """
4. Repairs. The landlord keeps the boiler, the roof and the wiring in working order, and answers
a report of a fault within two working days. The tenant replaces light bulbs and batteries of
smoke alarms, and reports leaks at once.

5. Pets. One cat or a small dog is allowed. Other animals need the landlord's written consent.

6. Notice. The tenant may end the lease with sixty days' written notice to the last day of a
month. The landlord may enter for repairs with twenty-four hours' notice, between 8 and 20.

7. Subletting. The tenant may sublet for up to three months in a year, with the landlord's
consent, which may not be withheld without reason.
""",
    ),
    "Work/Project Aurora report.pdf": (
        """
Status at the end of the quarter, written by the product team.

Summary

Project Aurora gives customers an export of their own data and a new pricing page. The export is
complete and has passed its load test with ten thousand rows a second. The pricing page is ready
but for its translations. The launch has moved by three weeks, to the second week of the next
quarter, so that support can be trained and the translations reviewed.

What went well

The export was first given to twelve customers in July. They found nine faults, all of which are
repaired; the median time from report to repair was two days. Eleven of the twelve say that they
would miss it if it went away. The number of requests for manual exports fell from 46 a week to 7.
""",
        """
What did not go well

The pricing page was designed before customers were asked. Interviews then showed that half of
them did not understand the difference between the two larger plans. The page was redrawn twice,
which cost six weeks. In future no page is designed before five customers have been heard.

Risks

The translations into French and German depend on one person. If she falls ill, the launch moves
again. The export has been tested with large accounts, but not with many at the same moment.

Next steps

Train support in the first week, freeze on the Tuesday after it, and launch on Thursday. Sid Patel
owns the pricing page, Lutfi Erdogan the export, and Alex Kim the translations.
""",
    ),
    "Home/Boiler manual.pdf": (
        """
Keep this manual near the boiler. Read it before the first use.

Pressure. The gauge should stand between 1.0 and 1.5 bar when the system is cold. Below 0.8 bar
the boiler switches off and shows code F1. To refill, open the valve under the casing slowly until
the gauge shows 1.2 bar, then close it again.

Heating. The wheel on the left sets the temperature of the radiators. For radiators choose 60 to
70 degrees, for floor heating no more than 45.
""",
        """
Service. Have the boiler serviced once a year by a registered engineer. The guarantee of five
years holds only if every service is entered in the log at the end of this manual.

Faults. F1: pressure too low, refill. F4: no flame, check that the gas is on, then press reset
once. F7: the flue is blocked; do not reset, switch the boiler off and call an engineer. If you
smell gas, open the windows, touch no switch, leave the house and call the gas emergency line.
""",
    ),
    "Travel/Conference programme.pdf": (
        """
Lisbon Data Days: three days on small models, private data and public services.

Monday. Opening at 9:30 in the large hall. Morning: language models that run on a telephone.
Afternoon: how hospitals share statistics without sharing records. Reception at 18:00 by the river.

Tuesday. Morning: five cities compare their open traffic data. Afternoon: workshops, of which each
visitor may choose two; the one on evaluation was full within a day last year.
""",
        """
Wednesday. Morning: lessons from failed projects, told by those who led them. The closing talk at
12:30 asks what should not be automated. Buses to the airport leave at 14:00 and 15:30.

Practical. Badges are handed out from 8:30. Lunch is included, and vegetarian unless ordered
otherwise. The venue is step-free. All talks are recorded and published within two weeks.
""",
    ),
}
"""Pages by path below ``files/``."""
